// Reading and writing of image files through libtiff, libpng and libjpeg, for Swift.
//
// Every call returns a codec_status and, unless it is CODEC_OK, one line in codec_message. The
// varargs and the longjmp of the libraries stay in this target, and nothing is printed. A reader
// reports the header first, after checks that need no pixel memory; then blocks (TIFF) or all
// rows (PNG, JPEG).
//
// Samples are in native byte order, interleaved (rows, columns, color bands + alpha). File
// descriptors stay the caller's: they are used with pread and pwrite and never closed.
#ifndef CIMAGECODECS_H
#define CIMAGECODECS_H

#include <stddef.h>
#include <stdint.h>

typedef enum codec_status {
    CODEC_OK = 0,
    CODEC_UNREADABLE,     // damaged, cut short, or the medium failed
    CODEC_UNSUPPORTED,    // a valid file of a kind that is not read
    CODEC_TOO_LARGE,      // above the given limit on decoded bytes
    CODEC_UNWRITABLE,     // writing failed
    CODEC_OUT_OF_SPACE,   // writing failed: no room on the device or in the quota
    CODEC_OUT_OF_MEMORY,
} codec_status;

typedef struct codec_message {
    char text[512];
} codec_message;

typedef enum codec_alpha {
    CODEC_ALPHA_NONE = 0,
    CODEC_ALPHA_UNASSOCIATED,
    CODEC_ALPHA_ASSOCIATED,    // color samples are multiplied by alpha
    CODEC_ALPHA_UNSPECIFIED,   // an extra sample about which the file does not say anything
} codec_alpha;

typedef enum codec_compression {
    CODEC_COMPRESSION_NONE = 0,
    CODEC_COMPRESSION_LZW,
    CODEC_COMPRESSION_DEFLATE,
    CODEC_COMPRESSION_PACKBITS,
    CODEC_COMPRESSION_ZSTD,
    CODEC_COMPRESSION_JPEG,   // read only
    CODEC_COMPRESSION_FAX,    // read only: CCITT's of 1 bit
} codec_compression;

typedef enum codec_number {
    CODEC_UNSIGNED = 0,
    CODEC_SIGNED,
    CODEC_FLOAT,
} codec_number;

typedef enum codec_model {
    CODEC_GRAY = 0,   // and further bands without a meaning of their own
    CODEC_RGB,        // and further bands
    CODEC_CMYK,
} codec_model;

typedef enum codec_resolution_unit {
    CODEC_RESOLUTION_ABSENT = 0,
    CODEC_RESOLUTION_RATIO,   // only the ratio of the two numbers means something
    CODEC_RESOLUTION_PER_INCH,
    CODEC_RESOLUTION_PER_CENTIMETER,
    CODEC_RESOLUTION_PER_METER,
} codec_resolution_unit;

// What a reader found and what a writer is to write.
typedef struct codec_info {
    uint32_t width, height;
    uint32_t color_bands;          // all samples of a pixel but alpha, which comes last
    codec_model model;
    codec_alpha alpha;
    uint32_t alpha_place;          // where a TIFF has it among its samples
    codec_number number;
    uint32_t bits;                 // of a decoded sample: 8, 16, 32 or 64
    codec_compression compression; // TIFF only
    uint32_t orientation;          // 1 to 8, as in TIFF
    double resolution_x, resolution_y;
    codec_resolution_unit resolution_unit;
    const uint8_t *icc;            // the reader's memory, or the caller's for a writer; may be NULL
    size_t icc_byte_count;
} codec_info;

// TIFF strips or tiles. Blocks are numbered row by row from the upper left; those at the right
// and the lower edge hold block_width x block_height samples like all others, of which only those
// inside the image count.
typedef struct codec_blocks {
    uint32_t block_width, block_height;
    uint32_t columns, rows;
    int is_tiled;
} codec_blocks;

// How a TIFF is written.
typedef struct codec_tiff_layout {
    uint32_t tile_width, tile_height;   // multiples of 16, or 0 for strips
    int is_big;                         // BigTIFF, for offsets that could pass 4 GB
} codec_tiff_layout;

typedef struct codec_tiff_reader codec_tiff_reader;
typedef struct codec_tiff_writer codec_tiff_writer;
typedef struct codec_png_reader codec_png_reader;
typedef struct codec_png_writer codec_png_writer;
typedef struct codec_jpeg_reader codec_jpeg_reader;
typedef struct codec_jpeg_writer codec_jpeg_writer;

// Reads and checks the header of the image whose directory lies at an offset. byte_limit bounds
// the decoded image. Fewer than 8 bits become 8, 9 to 15 become 16, a palette's colors 8 or 16,
// YCbCr in JPEG becomes RGB, min-is-white min-is-black; alpha moves behind all others. Of the info,
// only what tells about samples is filled in.
codec_status codec_tiff_open(int fd, uint64_t byte_limit, uint64_t directory,
                             codec_tiff_reader **reader, codec_info *info, codec_blocks *blocks,
                             codec_message *message);
// Turns a number that a stored sample may be, such as the nodata value, into the one that it is
// decoded to. Returns 0 where there is none: in a palette, and where no stored sample is this
// number although others are changed.
int codec_tiff_decoded_number(const codec_tiff_reader *reader, double *number);
// Sets what the stored samples of blocks are that the file has no bytes for; 0 otherwise. As one
// that is decoded.
void codec_tiff_set_missing(codec_tiff_reader *reader, const void *sample);
// All blocks are read so many bytes behind the places that the directory names.
void codec_tiff_displace(codec_tiff_reader *reader, uint64_t byte_count);
// Decodes one block into block_width * block_height pixels.
codec_status codec_tiff_read_block(codec_tiff_reader *reader, uint32_t index, void *samples,
                                   codec_message *message);
void codec_tiff_reader_free(codec_tiff_reader *reader);

codec_status codec_tiff_create(int fd, const codec_info *info, const codec_tiff_layout *layout,
                               codec_tiff_writer **writer, codec_message *message);
codec_status codec_tiff_write_rows(codec_tiff_writer *writer, uint32_t row_count,
                                   const void *samples, codec_message *message);
// After the last row: begins a smaller image of the same kind, not wider than the first.
codec_status codec_tiff_begin_overview(codec_tiff_writer *writer, uint32_t width, uint32_t height,
                                       codec_message *message);
// Completes the file after the last row. The writer must still be freed.
codec_status codec_tiff_finish(codec_tiff_writer *writer, codec_message *message);
void codec_tiff_writer_free(codec_tiff_writer *writer);

// Resolution and profile are not looked for: they lie in chunks, which are the caller's.
codec_status codec_png_open(int fd, uint64_t byte_limit, codec_png_reader **reader,
                            codec_info *info, codec_message *message);
// Decodes the whole image, height rows of width pixels without gaps, and checks the file to its
// end.
codec_status codec_png_read(codec_png_reader *reader, void *samples, codec_message *message);
void codec_png_reader_free(codec_png_reader *reader);

// profile_dropped becomes 1 when libpng finds the ICC profile unfit for the image and leaves it
// out.
codec_status codec_png_create(int fd, const codec_info *info, codec_png_writer **writer,
                              int *profile_dropped, codec_message *message);
// A chunk before the first row; type has four letters, count is below 2^31.
codec_status codec_png_write_chunk(codec_png_writer *writer, const char *type,
                                   const uint8_t *bytes, size_t count, codec_message *message);
codec_status codec_png_write_rows(codec_png_writer *writer, uint32_t row_count,
                                  const void *samples, codec_message *message);
codec_status codec_png_finish(codec_png_writer *writer, codec_message *message);
void codec_png_writer_free(codec_png_writer *writer);

// memory_limit bounds what the library keeps while it decodes a progressive file. Resolution and
// profile are not looked for: they lie in segments, which are the caller's.
codec_status codec_jpeg_open(int fd, uint64_t byte_limit, uint64_t memory_limit,
                             codec_jpeg_reader **reader, codec_info *info,
                             codec_message *message);
// Decodes the whole image. Damage that the library would make up for is an error.
codec_status codec_jpeg_read(codec_jpeg_reader *reader, void *samples, codec_message *message);
void codec_jpeg_reader_free(codec_jpeg_reader *reader);

// Quality is 1 to 100; below 90 colours are stored with half the width and height.
codec_status codec_jpeg_create(int fd, const codec_info *info, int quality,
                               codec_jpeg_writer **writer, codec_message *message);
// A segment before the first row, of at most 65533 bytes; marker is 0xE0 (APP0) to 0xFE (COM).
codec_status codec_jpeg_write_segment(codec_jpeg_writer *writer, int marker, const uint8_t *bytes,
                                      size_t count, codec_message *message);
codec_status codec_jpeg_write_rows(codec_jpeg_writer *writer, uint32_t row_count,
                                   const void *samples, codec_message *message);
codec_status codec_jpeg_finish(codec_jpeg_writer *writer, codec_message *message);
void codec_jpeg_writer_free(codec_jpeg_writer *writer);

// A file without a name that lives in memory, or -1 and errno.
int codec_memory_file(void);

uint32_t codec_crc32(const uint8_t *bytes, size_t count);
// A whole zlib stream of at most limit bytes (CODEC_TOO_LARGE above); what follows it does not
// count. result is to be freed.
codec_status codec_inflate(const uint8_t *bytes, size_t count, size_t limit, uint8_t **result,
                           size_t *result_count);
codec_status codec_deflate(const uint8_t *bytes, size_t count, uint8_t **result,
                           size_t *result_count);

// Versions: of libtiff, libpng and zlib as they run here, of libjpeg-turbo as it was built against.
const char *codec_tiff_version(void);
const char *codec_png_version(void);
const char *codec_jpeg_version(void);
const char *codec_zlib_version(void);

#endif
