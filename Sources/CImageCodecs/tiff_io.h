// One libtiff handle over a file descriptor: its errors are kept in the codec_io, its warnings
// dropped but for those about damaged faxes.
#ifndef TIFF_IO_H
#define TIFF_IO_H

#include <tiffio.h>

#include "codec_io.h"

// mode as for TIFFOpen. Returns NULL with io->text or io->error set.
TIFF *codec_tiff_handle(codec_io *io, const char *mode, uint64_t allocation_limit);

#endif
