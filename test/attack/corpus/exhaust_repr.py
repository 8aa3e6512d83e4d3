# Values whose text grows: a list that holds itself many times over.
value = ["x" * 1000]
for _ in range(24):
    value = [value, value]
value
