#include "plexus/io/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

#include "plexus/core/error.h"

namespace plexus::io {
namespace {

constexpr size_t input_bytes = size_t(64)
                               << 10;  // large enough that system calls cost nothing beside inflating
constexpr size_t output_bytes = size_t(1) << 30;  // zlib counts in 32 bits

}  // namespace

struct GzipFile::Inflater {
  explicit Inflater(InputFile& source)
      : file(source), input(std::clamp<uint64_t>(source.certain(), 1, input_bytes)) {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();  // the largest window, gzip wrapping
  }
  ~Inflater() { inflateEnd(&stream); }

  // False at the end of the file.
  bool refill() {
    if (stream.avail_in > 0) return true;
    stream.next_in = input.data();
    stream.avail_in = uInt(file.read(input.data(), input.size()));
    consumed += stream.avail_in;
    return stream.avail_in > 0;
  }

  // Begins the next member; false where there is none.
  bool next_member() {
    if (!refill()) return false;
    if (stream.next_in[0] != 0x1f) refuse("something that is not gzip follows the compressed data");
    inflateReset(&stream);
    member_ended = false;
    return true;
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw FormatError(file.path(), file.place(consumed - stream.avail_in), problem);
  }

  InputFile& file;
  std::vector<Bytef> input;
  uint64_t consumed = 0;
  bool member_ended = false;
  z_stream stream{};
};

GzipFile::GzipFile(InputFile& file)
    : inflater_(std::make_unique<Inflater>(file)),
      possible_(file.possible() > std::numeric_limits<uint64_t>::max() / max_ratio
                    ? std::numeric_limits<uint64_t>::max()
                    : file.possible() * max_ratio) {}

GzipFile::~GzipFile() = default;

const std::string& GzipFile::path() const { return inflater_->file.path(); }

std::string GzipFile::place(uint64_t offset) const { return "decompressed byte " + std::to_string(offset); }

size_t GzipFile::read(void* out, size_t bytes) {
  Inflater& inflater = *inflater_;
  z_stream& stream = inflater.stream;
  size_t done = 0;
  while (done < bytes) {
    if (inflater.member_ended && !inflater.next_member()) break;
    if (!inflater.refill()) inflater.refuse("the compressed data ends early");
    const size_t part = std::min(bytes - done, output_bytes);
    stream.next_out = static_cast<Bytef*>(out) + done;
    stream.avail_out = uInt(part);
    const int status = inflate(&stream, Z_NO_FLUSH);
    done += part - stream.avail_out;
    if (status == Z_STREAM_END) {
      inflater.member_ended = true;
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      inflater.refuse(std::string("damaged gzip data: ") +
                      (stream.msg != nullptr ? stream.msg : "unknown error"));
    }
  }
  return done;
}

}  // namespace plexus::io
