// Holds the target until its tests are in.
