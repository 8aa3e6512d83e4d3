import numpy
a = numpy.random.rand(3000, 3000)
while True:
    numpy.linalg.svd(a)
