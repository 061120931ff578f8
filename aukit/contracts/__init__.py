"""The contracts between the core and its components: one file per kind, with protocol and types.

Conventions: images are RGB, uint8 in 0..255 or float in 0..1, shape (B, 3, H, W), on a device.
    Source pictures of different sizes come as a sequence of (3, H, W). Pixel centres lie at integer
    coordinates: (0, 0) is the centre of the top left pixel, x points right, y points down. Labels
    are (B, A) float32 in 0..5, or 0 and 1 for occurrences (`Labels.occurrence`), with a bool mask:
    False means *not coded*, and the value is then 0.

A component is constructed as `Class(config, context)`; the constructor only stores its arguments.
"""
