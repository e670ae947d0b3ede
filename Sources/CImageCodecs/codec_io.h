// Positioned reading and writing of a file descriptor, with what went wrong kept for the message.
#ifndef CODEC_IO_H
#define CODEC_IO_H

#include "CImageCodecs.h"

typedef struct codec_io {
    int fd;
    const char *kind;      // what the file is called in messages
    uint64_t offset;
    uint64_t displacement; // what is read lies so many bytes behind the offset
    uint64_t byte_count;   // of the file
    uint64_t begun, left;  // before them the system writes to the disk, and has written
    int error;             // errno of the first failure
    int reached_end;       // a read wanted more than the file holds
    char text[320];        // the library's first complaint
} codec_io;

// Finds the file's size. Returns 0 and sets io->error when that fails.
int codec_io_open(codec_io *io, int fd, const char *kind);
// Both transfer all bytes or stop at the first failure (or the file's end); they return the count.
size_t codec_io_read(codec_io *io, void *bytes, size_t count);
size_t codec_io_write(codec_io *io, const void *bytes, size_t count);

// Says that a whole image of this size is more than the limit or more than the file can hold.
// packed_byte_count is what the file's own samples unpack to, decoded_byte_count what we hold of
// them, ratio the most that one byte of the file can unpack to.
codec_status codec_check_size(const codec_io *io, const codec_info *info, double packed_byte_count,
                              double decoded_byte_count, double ratio, uint64_t byte_limit,
                              codec_message *message);

codec_status codec_fail(codec_status status, codec_message *message, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A failed read or write in the library's and the system's words.
codec_status codec_fail_reading(const codec_io *io, codec_message *message);
codec_status codec_fail_writing(const codec_io *io, codec_message *message);

static inline size_t codec_sample_count(const codec_info *info) {
    return info->color_bands + (info->alpha != CODEC_ALPHA_NONE);
}

// Bands that a color model has of itself.
static inline size_t codec_model_bands(codec_model model) {
    return model == CODEC_CMYK ? 4 : model == CODEC_RGB ? 3 : 1;
}

#endif
