# The interrupt arrives in finalisers and generators, where exceptions are swallowed.
class Trap:
    def __del__(self):
        try:
            while True:
                pass
        except BaseException:
            Trap()
while True:
    Trap()
