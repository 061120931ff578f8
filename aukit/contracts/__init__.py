"""The contracts between the core and its components: one file a kind, the protocol and its types.

Conventions everywhere: images are uint8 in 0..255 or float in 0..1, shape (B, 3, H, W), RGB, on a
device; source pictures of different sizes come as a sequence of (3, H, W). Pixel centres lie at
integer coordinates: (0, 0) is the centre of the top left pixel, x runs right, y runs down. Labels
are (B, A) float32 in 0..5, or 0 and 1 where an AU is an occurrence (`Labels.occurrence`), with a
bool mask: False means *not coded*, and the value there is 0.

A component is constructed as `Class(config, context)`; construction only stores its arguments.
"""
