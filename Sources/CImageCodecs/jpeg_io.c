#include "jpeg_io.h"

#include <jerror.h>

static codec_jpeg_io *io_of(j_common_ptr jpeg) { return (codec_jpeg_io *)jpeg->err; }

static void keep(j_common_ptr jpeg, const char *text) {
    codec_jpeg_io *io = io_of(jpeg);
    if (io->file.text[0] != 0) return;
    io->code = jpeg->err->msg_code;
    snprintf(io->file.text, sizeof io->file.text, "%s", text);
}

static void leave(j_common_ptr jpeg) {
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    keep(jpeg, text);
    longjmp(io_of(jpeg)->place, 1);
}

void codec_jpeg_leave(j_common_ptr jpeg, const char *text) {
    jpeg->err->msg_code = 0;
    keep(jpeg, text);
    longjmp(io_of(jpeg)->place, 1);
}

// Negative levels are damage. Some sound files say nothing about their scan.
static void hear(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    jpeg->err->num_warnings++;
    if (io_of(jpeg)->is_strict && jpeg->err->msg_code != JWRN_NOT_SEQUENTIAL) leave(jpeg);
}

static void say_nothing(j_common_ptr jpeg) { (void)jpeg; }

struct jpeg_error_mgr *codec_jpeg_errors(codec_jpeg_io *io) {
    struct jpeg_error_mgr *errors = jpeg_std_error(&io->errors);
    errors->error_exit = leave;
    errors->emit_message = hear;
    errors->output_message = say_nothing;
    return errors;
}

static void begin_reading(j_decompress_ptr jpeg) { (void)jpeg; }

static boolean fill(j_decompress_ptr jpeg) {
    codec_jpeg_io *io = io_of((j_common_ptr)jpeg);
    size_t count = codec_io_read(&io->file, io->buffer, sizeof io->buffer);
    if (count == 0) codec_jpeg_leave((j_common_ptr)jpeg, "it ends too early");
    io->source.next_input_byte = io->buffer;
    io->source.bytes_in_buffer = count;
    return TRUE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    codec_jpeg_io *io = io_of((j_common_ptr)jpeg);
    if (count <= 0) return;
    size_t here = io->source.bytes_in_buffer;
    if ((size_t)count <= here) {
        io->source.next_input_byte += count;
        io->source.bytes_in_buffer -= (size_t)count;
        return;
    }
    io->file.offset += (uint64_t)count - here;
    io->source.bytes_in_buffer = 0;
}

static void end_reading(j_decompress_ptr jpeg) { (void)jpeg; }

void codec_jpeg_set_source(j_decompress_ptr jpeg, codec_jpeg_io *io) {
    io->source.init_source = begin_reading;
    io->source.fill_input_buffer = fill;
    io->source.skip_input_data = skip;
    io->source.resync_to_restart = jpeg_resync_to_restart;
    io->source.term_source = end_reading;
    io->source.bytes_in_buffer = 0;
    io->source.next_input_byte = NULL;
    jpeg->src = &io->source;
}

static void begin_writing(j_compress_ptr jpeg) {
    codec_jpeg_io *io = io_of((j_common_ptr)jpeg);
    io->destination.next_output_byte = io->buffer;
    io->destination.free_in_buffer = sizeof io->buffer;
}

static void put(j_compress_ptr jpeg, size_t count) {
    codec_jpeg_io *io = io_of((j_common_ptr)jpeg);
    if (codec_io_write(&io->file, io->buffer, count) != count)
        codec_jpeg_leave((j_common_ptr)jpeg, "writing failed");
    begin_writing(jpeg);
}

// The library asks for room when the buffer is full, whatever free_in_buffer says.
static boolean empty(j_compress_ptr jpeg) {
    put(jpeg, sizeof io_of((j_common_ptr)jpeg)->buffer);
    return TRUE;
}

static void end_writing(j_compress_ptr jpeg) {
    codec_jpeg_io *io = io_of((j_common_ptr)jpeg);
    put(jpeg, sizeof io->buffer - io->destination.free_in_buffer);
}

void codec_jpeg_set_destination(j_compress_ptr jpeg, codec_jpeg_io *io) {
    io->destination.init_destination = begin_writing;
    io->destination.empty_output_buffer = empty;
    io->destination.term_destination = end_writing;
    jpeg->dest = &io->destination;
}
