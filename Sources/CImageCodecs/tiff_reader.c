// TIFF: unsigned 8 and 16 bit, gray and RGB with at most one extra sample, strips and tiles.
#include <stdlib.h>
#include <string.h>

#include "tiff_io.h"

struct codec_tiff_reader {
    TIFF *tiff;
    codec_io io;
    codec_info info;
    codec_blocks blocks;
    int tiled;
    int inverted;        // min-is-white
    int planes;          // 1, or the samples per pixel when each has its own blocks
    uint8_t *plane;      // one block of one plane
};

static const char *compression_name(unsigned compression) {
    switch (compression) {
    case 2: case 3: case 4: return "CCITT fax";
    case 6: case 7: return "JPEG";
    case 34712: return "JPEG 2000";
    case 34887: return "LERC";
    case 34925: return "LZMA";
    case 50000: return "Zstandard";
    case 50001: return "WebP";
    default: return "unknown";
    }
}

static const char *photometric_name(unsigned photometric) {
    switch (photometric) {
    case PHOTOMETRIC_PALETTE: return "palette";
    case PHOTOMETRIC_MASK: return "transparency mask";
    case PHOTOMETRIC_SEPARATED: return "CMYK";
    case PHOTOMETRIC_YCBCR: return "YCbCr";
    case PHOTOMETRIC_CIELAB: case PHOTOMETRIC_ICCLAB: case PHOTOMETRIC_ITULAB: return "CIE L*a*b*";
    case PHOTOMETRIC_CFA: return "camera raw";
    case PHOTOMETRIC_LOGL: case PHOTOMETRIC_LOGLUV: return "LogLuv";
    default: return "unknown";
    }
}

static codec_status find_compression(codec_tiff_reader *reader, double *ratio,
                                     codec_message *message) {
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_COMPRESSION, &compression);
    // Ratios: deflate's format allows 1032; a full LZW table yields at most 4096 bytes for 12 bits;
    // PackBits repeats at most 128 times for 2 bytes.
    switch (compression) {
    case COMPRESSION_NONE:
        reader->info.compression = CODEC_COMPRESSION_NONE;
        *ratio = 1;
        return CODEC_OK;
    case COMPRESSION_LZW:
        reader->info.compression = CODEC_COMPRESSION_LZW;
        *ratio = 4096;
        return CODEC_OK;
    case COMPRESSION_DEFLATE: case COMPRESSION_ADOBE_DEFLATE:
        reader->info.compression = CODEC_COMPRESSION_DEFLATE;
        *ratio = 1040;
        return CODEC_OK;
    case COMPRESSION_PACKBITS:
        reader->info.compression = CODEC_COMPRESSION_PACKBITS;
        *ratio = 64;
        return CODEC_OK;
    default:
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "its compression is %s (%u); TIFF is read with none, LZW, deflate or "
                          "PackBits",
                          compression_name(compression), compression);
    }
}

static codec_status find_samples(codec_tiff_reader *reader, codec_message *message) {
    TIFF *tiff = reader->tiff;
    codec_info *info = &reader->info;
    uint16_t bits = 1, format = SAMPLEFORMAT_UINT, samples = 1, photometric = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric))
        return codec_fail(CODEC_UNREADABLE, message,
                          "it does not say what its samples mean (no photometric tag)");
    if (photometric == PHOTOMETRIC_RGB)
        info->color_bands = 3;
    else if (photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE)
        info->color_bands = 1;
    else
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "its color model is %s (%u); TIFF is read as gray or RGB",
                          photometric_name(photometric), photometric);
    reader->inverted = photometric == PHOTOMETRIC_MINISWHITE;
    const char *kind = format == SAMPLEFORMAT_IEEEFP ? "floating-point"
        : format == SAMPLEFORMAT_INT                 ? "signed"
        : format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID ? "unsigned"
                                                                     : "complex";
    if ((bits != 8 && bits != 16) || strcmp(kind, "unsigned") != 0)
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "its samples are %s, %u bit; TIFF is read with unsigned samples of 8 or "
                          "16 bit",
                          kind, bits);
    info->bits = bits;
    if (samples < info->color_bands || samples > info->color_bands + 1)
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "it has %u samples per pixel; TIFF is read as gray or RGB with at most "
                          "one alpha sample",
                          samples);
    if (samples == info->color_bands + 1) {
        uint16_t count = 0, *kinds = NULL;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
        uint16_t extra = count > 0 && kinds != NULL ? kinds[0] : EXTRASAMPLE_UNSPECIFIED;
        info->alpha = extra == EXTRASAMPLE_ASSOCALPHA ? CODEC_ALPHA_ASSOCIATED
            : extra == EXTRASAMPLE_UNASSALPHA         ? CODEC_ALPHA_UNASSOCIATED
                                                      : CODEC_ALPHA_UNSPECIFIED;
    }
    return CODEC_OK;
}

static codec_status find_blocks(codec_tiff_reader *reader, double ratio, uint64_t byte_limit,
                                codec_message *message) {
    TIFF *tiff = reader->tiff;
    codec_info *info = &reader->info;
    codec_blocks *blocks = &reader->blocks;
    double pixel = (double)codec_sample_count(info) * (info->bits / 8);
    // Dimensions first: the block arithmetic below relies on them.
    codec_status status = codec_check_size(&reader->io, info,
                                           (double)info->width * info->height * pixel,
                                           (double)info->width * info->height * pixel, ratio,
                                           byte_limit, message);
    if (status != CODEC_OK) return status;
    reader->tiled = TIFFIsTiled(tiff);
    blocks->block_width = info->width;
    blocks->block_height = info->height;
    if (reader->tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &blocks->block_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &blocks->block_height);
    } else {
        uint32_t rows = info->height;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
        if (rows < info->height) blocks->block_height = rows;
    }
    if (blocks->block_width == 0 || blocks->block_height == 0)
        return codec_fail(CODEC_UNREADABLE, message,
                          "its strips or tiles are %u x %u pixels: the file is damaged",
                          blocks->block_width, blocks->block_height);
    blocks->columns = (info->width - 1) / blocks->block_width + 1;
    blocks->rows = (info->height - 1) / blocks->block_height + 1;
    double block_bytes = (double)blocks->block_width * blocks->block_height * pixel;
    double all_bytes = reader->tiled ? block_bytes * blocks->columns * blocks->rows : 0;
    if (block_bytes > (double)byte_limit || (double)blocks->columns * blocks->rows > UINT32_MAX / 4)
        return codec_fail(CODEC_TOO_LARGE, message,
                          "its strips or tiles of %u x %u pixels are above the limits",
                          blocks->block_width, blocks->block_height);
    if (all_bytes > ratio * (double)reader->io.byte_count + 4096)
        return codec_fail(CODEC_UNREADABLE, message,
                          "its header says %u x %u tiles of %u x %u pixels, which a file of %llu "
                          "bytes cannot hold: it is damaged or cut short",
                          blocks->columns, blocks->rows, blocks->block_width, blocks->block_height,
                          (unsigned long long)reader->io.byte_count);
    uint16_t planar = PLANARCONFIG_CONTIG;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    reader->planes = planar == PLANARCONFIG_SEPARATE ? (int)codec_sample_count(info) : 1;
    return CODEC_OK;
}

static void find_metadata(codec_tiff_reader *reader) {
    TIFF *tiff = reader->tiff;
    codec_info *info = &reader->info;
    uint16_t orientation = ORIENTATION_TOPLEFT;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    info->orientation = orientation >= 1 && orientation <= 8 ? orientation : ORIENTATION_TOPLEFT;

    float x = 0, y = 0;
    if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) && TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y)
        && x > 0 && y > 0 && x < 1e9f && y < 1e9f) {
        uint16_t unit = RESUNIT_INCH;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
        info->resolution_x = x;
        info->resolution_y = y;
        info->resolution_unit = unit == RESUNIT_CENTIMETER ? CODEC_RESOLUTION_PER_CENTIMETER
            : unit == RESUNIT_NONE                         ? CODEC_RESOLUTION_RATIO
                                                           : CODEC_RESOLUTION_PER_INCH;
    }
    uint32_t count = 0;
    void *profile = NULL;
    if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &count, &profile) && count > 0 && profile != NULL) {
        info->icc = profile;
        info->icc_byte_count = count;
    }
}

static codec_status open_reader(codec_tiff_reader *reader, int fd, uint64_t byte_limit,
                                codec_message *message) {
    if (!codec_io_open(&reader->io, fd, "TIFF file"))
        return codec_fail_reading(&reader->io, message);
    // No table or raw strip of a sound file is longer than the file; tables may widen when read.
    reader->tiff = codec_tiff_handle(&reader->io, "rm", 8 * reader->io.byte_count + (16 << 20));
    if (reader->tiff == NULL) return codec_fail_reading(&reader->io, message);
    if (!TIFFGetField(reader->tiff, TIFFTAG_IMAGEWIDTH, &reader->info.width)
        || !TIFFGetField(reader->tiff, TIFFTAG_IMAGELENGTH, &reader->info.height))
        return codec_fail(CODEC_UNREADABLE, message, "it does not say how large its image is");
    double ratio = 1;
    codec_status status = find_compression(reader, &ratio, message);
    if (status == CODEC_OK) status = find_samples(reader, message);
    if (status == CODEC_OK) status = find_blocks(reader, ratio, byte_limit, message);
    if (status != CODEC_OK) return status;
    find_metadata(reader);
    reader->blocks.more_pages = !TIFFLastDirectory(reader->tiff);
    return CODEC_OK;
}

codec_status codec_tiff_open(int fd, uint64_t byte_limit, codec_tiff_reader **result,
                             codec_info *info, codec_blocks *blocks, codec_message *message) {
    codec_tiff_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
    codec_status status = open_reader(reader, fd, byte_limit, message);
    if (status != CODEC_OK) {
        codec_tiff_reader_free(reader);
        return status;
    }
    *info = reader->info;
    *blocks = reader->blocks;
    *result = reader;
    return CODEC_OK;
}

// Reads a strip or tile of one plane (or of all samples) and insists on every byte of it.
static int read_encoded(codec_tiff_reader *reader, uint32_t number, void *bytes, size_t count) {
    reader->io.text[0] = 0;
    reader->io.reached_end = 0;
    tmsize_t got = reader->tiled
        ? TIFFReadEncodedTile(reader->tiff, number, bytes, (tmsize_t)count)
        : TIFFReadEncodedStrip(reader->tiff, number, bytes, (tmsize_t)count);
    return got == (tmsize_t)count;
}

static void interleave(const codec_tiff_reader *reader, int plane, size_t pixel_count,
                       void *samples) {
    size_t stride = (size_t)reader->planes;
    if (reader->info.bits == 8) {
        uint8_t *to = (uint8_t *)samples + plane;
        for (size_t i = 0; i < pixel_count; i++) to[i * stride] = reader->plane[i];
    } else {
        const uint16_t *from = (const uint16_t *)(const void *)reader->plane;
        uint16_t *to = (uint16_t *)samples + plane;
        for (size_t i = 0; i < pixel_count; i++) to[i * stride] = from[i];
    }
}

static void invert_gray(const codec_info *info, size_t pixel_count, void *samples) {
    size_t stride = codec_sample_count(info);
    if (info->bits == 8) {
        uint8_t *values = samples;
        for (size_t i = 0; i < pixel_count; i++)
            values[i * stride] = (uint8_t)(255 - values[i * stride]);
    } else {
        uint16_t *values = samples;
        for (size_t i = 0; i < pixel_count; i++)
            values[i * stride] = (uint16_t)(65535 - values[i * stride]);
    }
}

codec_status codec_tiff_read_block(codec_tiff_reader *reader, uint32_t index, void *samples,
                                   codec_message *message) {
    const codec_info *info = &reader->info;
    const codec_blocks *blocks = &reader->blocks;
    uint32_t block_count = blocks->columns * blocks->rows;
    uint32_t height = blocks->block_height;
    uint32_t below = info->height - index / blocks->columns * blocks->block_height;
    if (!reader->tiled && below < height) height = below;   // the last strip is short
    size_t pixel_count = (size_t)blocks->block_width * height;
    size_t sample_bytes = info->bits / 8;
    if (reader->planes == 1) {
        if (!read_encoded(reader, index, samples,
                          pixel_count * codec_sample_count(info) * sample_bytes))
            return codec_fail_reading(&reader->io, message);
    } else {
        size_t plane_bytes = pixel_count * sample_bytes;
        size_t whole_bytes = (size_t)blocks->block_width * blocks->block_height * sample_bytes;
        if (reader->plane == NULL) reader->plane = malloc(whole_bytes);
        if (reader->plane == NULL)
            return codec_fail(CODEC_OUT_OF_MEMORY, message, "memory ran out");
        for (int plane = 0; plane < reader->planes; plane++) {
            uint32_t number = (uint32_t)plane * block_count + index;
            if (!read_encoded(reader, number, reader->plane, plane_bytes))
                return codec_fail_reading(&reader->io, message);
            interleave(reader, plane, pixel_count, samples);
        }
    }
    if (reader->inverted) invert_gray(info, pixel_count, samples);
    return CODEC_OK;
}

void codec_tiff_reader_free(codec_tiff_reader *reader) {
    if (reader == NULL) return;
    if (reader->tiff != NULL) TIFFClose(reader->tiff);
    free(reader->plane);
    free(reader);
}
