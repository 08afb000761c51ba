"""What interrupts add to the stack of an image for Cortex-M."""

# Registers that the core saves: eight words, and one more to align (ARMv6-M Architecture Reference Manual, B1.5.6).
SAVED = 9 * 4
# Words of the table before the exceptions: the stack pointer and the reset.
FIRST = 2
# Exceptions that end the program in all images: NMI, HardFault.
FATAL = (2, 3)


def deepest(depths):
    """The deepest handler, with what is saved. All have one priority, so one is active at a time."""
    image = depths.image
    table = image.section(".vector_table")
    entries = {i: image.word(table.address + 4 * i) for i in range(FIRST, table.size // 4)}
    handlers = {entry & ~1 for i, entry in entries.items() if i not in FATAL and entry}
    return SAVED + max((depths.deepest(handler)[0] for handler in handlers if handler in image.names), default=0)
