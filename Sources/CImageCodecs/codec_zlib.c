// zlib's streams and checksum, for what lies beside the pixels.
#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

#include "CImageCodecs.h"

uint32_t codec_crc32(const uint8_t *bytes, size_t count) {
    uLong sum = crc32(0, NULL, 0);
    while (count > 0) {
        uInt part = count > INT_MAX ? INT_MAX : (uInt)count;
        sum = crc32(sum, bytes, part);
        bytes += part, count -= part;
    }
    return (uint32_t)sum;
}

codec_status codec_inflate(const uint8_t *bytes, size_t count, size_t limit, uint8_t **result,
                           size_t *result_count) {
    z_stream stream = {0};
    if (count > INT_MAX || limit > INT_MAX) return CODEC_TOO_LARGE;
    if (inflateInit(&stream) != Z_OK) return CODEC_OUT_OF_MEMORY;
    stream.next_in = (Bytef *)bytes;
    stream.avail_in = (uInt)count;
    uint8_t *memory = NULL;
    size_t room = 0, done = 0;
    codec_status status = CODEC_OK;
    int code = Z_OK;
    while (status == CODEC_OK && code != Z_STREAM_END) {
        if (done == room) {
            room = room == 0 ? 4096 : 2 * room;
            if (room > limit) room = limit + 1;   // one more tells that there is more
            uint8_t *larger = done > limit ? NULL : realloc(memory, room);
            if (larger == NULL) {
                status = done > limit ? CODEC_TOO_LARGE : CODEC_OUT_OF_MEMORY;
                break;
            }
            memory = larger;
        }
        stream.next_out = memory + done;
        stream.avail_out = (uInt)(room - done);
        code = inflate(&stream, Z_NO_FLUSH);
        done = room - stream.avail_out;
        if (code != Z_OK && code != Z_STREAM_END) status = CODEC_UNREADABLE;
    }
    inflateEnd(&stream);
    if (status == CODEC_OK && done > limit) status = CODEC_TOO_LARGE;
    if (status != CODEC_OK) {
        free(memory);
        return status;
    }
    *result = memory;
    *result_count = done;
    return CODEC_OK;
}

codec_status codec_deflate(const uint8_t *bytes, size_t count, uint8_t **result,
                           size_t *result_count) {
    uLongf room = compressBound(count);
    uint8_t *memory = malloc(room);
    if (memory == NULL || compress2(memory, &room, bytes, count, 9) != Z_OK) {
        free(memory);
        return CODEC_OUT_OF_MEMORY;
    }
    *result = memory;
    *result_count = room;
    return CODEC_OK;
}
