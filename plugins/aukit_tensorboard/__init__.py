"""An observer that logs runs to TensorBoard, switched on by an environment variable."""
