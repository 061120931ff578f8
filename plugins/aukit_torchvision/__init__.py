"""Any classification network of torchvision as an AU intensity estimator."""
