class Evil:
    def __repr__(self):
        raise SystemExit(3)

    def _repr_html_(self):
        return 17

    def _repr_mimebundle_(self, **kwargs):
        return {"text/html": object(), 5: "x", "text/plain": b"\xff"}


Evil()
