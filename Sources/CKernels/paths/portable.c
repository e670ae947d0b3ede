// Kernels for any x86-64 or other CPU: no extensions beyond the compiler's baseline.
#include "CKernels.h"
#include <math.h>

#define DIP_TABLE dip_kernels_portable
#define DIP_TABLE_NAME "portable"
#define DIP_TILE_ROWS 3
#define DIP_TILE_VECTORS 1
#include "../kernels.inc"
