"""A canary in a coal mine: whoever calls `sing`, or makes or restores a `Singer`, is heard."""

import copyreg

SUNG = []


def sing(*args, **kwargs):
    """Be heard."""
    SUNG.append(args)


class Singer:
    """Heard when it is made by NEWOBJ, and when it is restored by BUILD."""

    def __new__(cls, *args, **kwargs):
        sing()
        return super().__new__(cls)

    def __setstate__(self, state):
        sing()


for code in (0xE7, 0xE7E7, 0x7E7E7E7E):  # under other names, or `sing` itself would always be written so
    globals()[f"sing_{code}"] = sing
    copyreg.add_extension(__name__, f"sing_{code}", code)
