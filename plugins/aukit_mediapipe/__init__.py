"""MediaPipe's face models: detector, 478-point mesh and 52 blendshapes, by two runtimes."""
