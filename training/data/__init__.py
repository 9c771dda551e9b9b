"""Training data: packs of aligned crops, splits, targets, augmentation."""
