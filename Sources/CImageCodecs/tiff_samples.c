// What the samples of a TIFF are and mean, and the unpacking of those below 8 bits.
#include <math.h>
#include <string.h>

#include "tiff_reader.h"

static const char *compression_name(unsigned compression) {
    switch (compression) {
    case 2: case 3: case 4: case 32771: return "CCITT fax";
    case 6: return "JPEG of the old style";
    case 7: return "JPEG";
    case 9: case 10: return "JBIG";
    case 32946: return "deflate";
    case 34676: case 34677: return "SGI Log";
    case 34712: return "JPEG 2000";
    case 34887: return "LERC";
    case 34925: return "LZMA";
    case 50000: return "Zstandard";
    case 50001: return "WebP";
    case 50002: case 52546: return "JPEG XL";
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
    // Ratios: deflate's format allows 1032; a full LZW table yields at most 4096 bytes for 12 bits;
    // PackBits repeats at most 128 times for 2 bytes; Zstandard repeats a byte for a block of
    // 128 KiB in 4; a JPEG block of one color takes 2 bits; a white row of a fax takes 1, which is
    // believed up to the width below.
    static const uint32_t widest_fax = 1 << 17;
    static const struct {
        uint16_t tag;
        codec_compression compression;
        double ratio;
    } known[] = {
        {COMPRESSION_NONE, CODEC_COMPRESSION_NONE, 1},
        {COMPRESSION_LZW, CODEC_COMPRESSION_LZW, 4096},
        {COMPRESSION_DEFLATE, CODEC_COMPRESSION_DEFLATE, 1040},
        {COMPRESSION_ADOBE_DEFLATE, CODEC_COMPRESSION_DEFLATE, 1040},
        {COMPRESSION_PACKBITS, CODEC_COMPRESSION_PACKBITS, 64},
        {COMPRESSION_ZSTD, CODEC_COMPRESSION_ZSTD, 40000},
        {COMPRESSION_JPEG, CODEC_COMPRESSION_JPEG, 1024},
        {COMPRESSION_CCITTRLE, CODEC_COMPRESSION_FAX, 0},
        {COMPRESSION_CCITTFAX3, CODEC_COMPRESSION_FAX, 0},
        {COMPRESSION_CCITTFAX4, CODEC_COMPRESSION_FAX, 0},
    };
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_COMPRESSION, &compression);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].tag != compression || !TIFFIsCODECConfigured(compression)) continue;
        reader->info.compression = known[i].compression;
        *ratio = known[i].ratio;
        if (known[i].compression == CODEC_COMPRESSION_FAX)
            *ratio = reader->info.width < widest_fax ? reader->info.width : widest_fax;
        return CODEC_OK;
    }
    return codec_fail(CODEC_UNSUPPORTED, message,
                      "its compression is %s (%u); TIFF is read with none, LZW, deflate, PackBits, "
                      "Zstandard, JPEG or CCITT fax",
                      compression_name(compression), compression);
}

static codec_status find_model(codec_tiff_reader *reader, uint16_t *photometric,
                               codec_message *message) {
    TIFF *tiff = reader->tiff;
    codec_info *info = &reader->info;
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, photometric))
        return codec_fail(CODEC_UNREADABLE, message,
                          "it does not say what its samples mean (no photometric tag)");
    uint16_t ink_set = INKSET_CMYK;
    switch (*photometric) {
    case PHOTOMETRIC_MINISWHITE: case PHOTOMETRIC_MINISBLACK:
        info->model = CODEC_GRAY;
        return CODEC_OK;
    case PHOTOMETRIC_RGB: case PHOTOMETRIC_PALETTE:
        info->model = CODEC_RGB;
        return CODEC_OK;
    case PHOTOMETRIC_YCBCR:
        info->model = CODEC_RGB;
        if (info->compression == CODEC_COMPRESSION_JPEG
            && TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB))
            return CODEC_OK;
        break;
    case PHOTOMETRIC_SEPARATED:
        info->model = CODEC_CMYK;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &ink_set);
        if (ink_set == INKSET_CMYK) return CODEC_OK;
        break;
    }
    return codec_fail(CODEC_UNSUPPORTED, message,
                      "its color model is %s (%u); TIFF is read as gray, RGB, palette, CMYK or "
                      "YCbCr in JPEG",
                      photometric_name(*photometric), *photometric);
}

static codec_status find_numbers(codec_tiff_reader *reader, codec_message *message) {
    codec_info *info = &reader->info;
    uint16_t bits = 1, format = SAMPLEFORMAT_UINT;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_SAMPLEFORMAT, &format);
    int is_unsigned = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
    const char *kind = format == SAMPLEFORMAT_IEEEFP ? "floating-point"
        : format == SAMPLEFORMAT_INT                 ? "signed"
        : is_unsigned                                ? "unsigned"
                                                     : "complex";
    int whole = bits == 8 || bits == 16 || bits == 32;
    int small = bits == 1 || bits == 2 || bits == 4, between = bits > 8 && bits < 16;
    int known = format == SAMPLEFORMAT_IEEEFP ? bits == 16 || bits == 32 || bits == 64
        : format == SAMPLEFORMAT_INT          ? whole
                                              : is_unsigned && (whole || small || between);
    if (!known)
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "its samples are %s, %u bit; TIFF is read with integers of 1, 2, 4, 8 "
                          "to 16 or 32 bit and floating point of 16, 32 or 64 bit",
                          kind, bits);
    info->number = format == SAMPLEFORMAT_IEEEFP ? CODEC_FLOAT
        : format == SAMPLEFORMAT_INT             ? CODEC_SIGNED
                                                 : CODEC_UNSIGNED;
    reader->stored_bits = bits;
    info->bits = small ? 8 : between ? 16 : bits;
    return CODEC_OK;
}

// The first extra sample that is said to be alpha is it; all others count as bands. A single one
// behind 8-bit gray or RGB is taken as alpha where the file does not say anything about it, as
// older programs did; one that is said to be unspecified is a band, such as near infrared.
static codec_status find_bands(codec_tiff_reader *reader, codec_message *message) {
    codec_info *info = &reader->info;
    uint16_t samples = 1, count = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    // Without the tag the library makes up samples of an unspecified kind.
    int is_said = TIFFGetField(reader->tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    size_t own = reader->palette ? 1 : codec_model_bands(info->model);
    if (samples < own || samples > 1024 || (reader->palette && samples > 1))
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "it has %u samples per pixel; its color model wants at least %zu, and "
                          "at most 1024 are read, one with a palette",
                          samples, own);
    reader->stored_samples = samples;
    size_t extra = samples - own;
    if (!is_said || kinds == NULL) count = 0;
    info->alpha = CODEC_ALPHA_NONE;
    for (size_t i = 0; i < extra && i < count && info->alpha == CODEC_ALPHA_NONE; i++) {
        if (kinds[i] == EXTRASAMPLE_ASSOCALPHA) info->alpha = CODEC_ALPHA_ASSOCIATED;
        if (kinds[i] == EXTRASAMPLE_UNASSALPHA) info->alpha = CODEC_ALPHA_UNASSOCIATED;
        info->alpha_place = (uint32_t)(own + i);
    }
    if (!is_said && extra == 1 && info->model != CODEC_CMYK
        && reader->stored_bits == 8 && info->number == CODEC_UNSIGNED) {
        info->alpha = CODEC_ALPHA_UNSPECIFIED;
        info->alpha_place = (uint32_t)own;
    }
    info->color_bands = samples - (info->alpha != CODEC_ALPHA_NONE);
    if (reader->palette) info->color_bands = 3;
    return CODEC_OK;
}

// Colors of 8 bits: as 16 bits with a second byte that repeats the first or is 0, or, from old
// programs, as they are.
static codec_status find_colors(codec_tiff_reader *reader, codec_message *message) {
    uint16_t *map[3] = {NULL, NULL, NULL};
    if (!TIFFGetField(reader->tiff, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
        return codec_fail(CODEC_UNREADABLE, message, "its palette has no color map");
    int is_old = 1, is_small = 1;
    for (size_t i = 0; i < (size_t)1 << reader->stored_bits; i++)
        for (int band = 0; band < 3; band++) {
            uint16_t low = map[band][i] & 0xFF, high = map[band][i] >> 8;
            if (high != 0) is_old = 0;
            if (low != 0 && low != high) is_small = 0;
        }
    reader->color_shift = is_old ? 0 : 8;
    reader->info.bits = is_old || is_small ? 8 : 16;
    return CODEC_OK;
}

codec_status codec_tiff_find_samples(codec_tiff_reader *reader, double *ratio,
                                     codec_message *message) {
    uint16_t photometric = 0;
    codec_info *info = &reader->info;
    codec_status status = find_compression(reader, ratio, message);
    if (status == CODEC_OK) status = find_model(reader, &photometric, message);
    reader->palette = photometric == PHOTOMETRIC_PALETTE;
    if (status == CODEC_OK) status = find_numbers(reader, message);
    if (status == CODEC_OK) status = find_bands(reader, message);
    if (status != CODEC_OK) return status;
    uint16_t planar = PLANARCONFIG_CONTIG;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_PLANARCONFIG, &planar);
    reader->planes = planar == PLANARCONFIG_SEPARATE ? (int)reader->stored_samples : 1;
    reader->inverted = photometric == PHOTOMETRIC_MINISWHITE;
    if (reader->inverted && info->number != CODEC_UNSIGNED)
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "it is min-is-white with signed or floating-point samples; such a file "
                          "is not read");
    if (reader->palette && (info->number != CODEC_UNSIGNED || reader->stored_bits > 16))
        return codec_fail(CODEC_UNSUPPORTED, message,
                          "its palette has samples that are signed or of %u bit; such a file is "
                          "not read",
                          reader->stored_bits);
    return reader->palette ? find_colors(reader, message) : CODEC_OK;
}

int codec_tiff_decoded_number(const codec_tiff_reader *reader, double *number) {
    uint32_t bits = reader->stored_bits;
    if (!reader->palette && !reader->inverted && bits >= 8) return 1;
    double most = ldexp(1, (int)bits) - 1;
    if (reader->palette || !(*number >= 0 && *number <= most) || *number != floor(*number))
        return 0;
    if (reader->inverted) *number = most - *number;
    if (bits < 8) *number = floor(*number * 255 / most);
    return 1;
}

void codec_tiff_fill_missing(const codec_tiff_reader *reader, void *bytes, size_t count,
                             size_t row_bytes) {
    uint32_t bits = reader->stored_bits;
    if (!codec_tiff_is_packed(reader) || bits == 16) {
        size_t size = bits / 8;
        for (size_t i = 0; i + size <= count; i += size)
            memcpy((uint8_t *)bytes + i, reader->missing, size);
        return;
    }
    uint16_t value = reader->missing[0];
    if (reader->info.bits == 16) memcpy(&value, reader->missing, sizeof value);
    // Each row begins with a byte of its own, and each sample with its highest bit.
    memset(bytes, 0, count);
    for (size_t row = 0; row + row_bytes <= count; row += row_bytes)
        for (size_t bit = 0; bit < 8 * row_bytes; bit++)
            if (value >> (bits - 1 - bit % bits) & 1)
                ((uint8_t *)bytes)[row + bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

// A sample of fewer than 16 bits, or of 16 in native byte order.
static uint32_t stored_sample(const uint8_t *row, size_t index, uint32_t bits) {
    if (bits == 8) return row[index];
    if (bits == 16) {
        uint16_t value;
        memcpy(&value, row + 2 * index, 2);
        return value;
    }
    size_t first = index * bits, end = first + bits;
    uint32_t value = 0;
    for (size_t byte = first / 8; byte <= (end - 1) / 8; byte++) value = value << 8 | row[byte];
    return value >> ((8 - end % 8) % 8) & ((1u << bits) - 1);
}

void codec_tiff_unpack(const codec_tiff_reader *reader, int plane, uint32_t width,
                       uint32_t height, void *samples) {
    uint32_t bits = reader->stored_bits;
    size_t row_bytes = codec_tiff_stored_row(reader, width);
    size_t step = (size_t)reader->planes;   // 1 where all samples of a pixel lie together
    size_t count = (size_t)width * (step > 1 ? 1 : reader->stored_samples);
    uint16_t *map[3] = {NULL, NULL, NULL};
    if (reader->palette) TIFFGetField(reader->tiff, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]);
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = reader->plane + y * row_bytes;
        for (size_t i = 0; i < count; i++) {
            uint32_t value = stored_sample(row, i, bits);
            size_t to = (y * count + i) * step + (size_t)plane;
            if (reader->palette)
                for (size_t band = 0; band < 3; band++)
                    if (reader->info.bits == 8)
                        ((uint8_t *)samples)[to * 3 + band] =
                            (uint8_t)(map[band][value] >> reader->color_shift);
                    else
                        ((uint16_t *)samples)[to * 3 + band] = map[band][value];
            else if (bits < 8)
                ((uint8_t *)samples)[to] = (uint8_t)(value * 255 / ((1u << bits) - 1));
            else
                ((uint16_t *)samples)[to] = (uint16_t)value;
        }
    }
}
