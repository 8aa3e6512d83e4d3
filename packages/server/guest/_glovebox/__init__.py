"""All of the product's Python: one package under a name that no program of a user's wants.

Its rooms are the processes, by what each is trusted with, and what they share. Whoever starts a process of
ours takes the directory that holds this package from the search path at once; the package finds its own
modules without, and user code can import none of them by a plain name.
"""
