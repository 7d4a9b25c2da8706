#include "plexus/io/npz.h"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <new>

#include "plexus/io/excerpt.h"
#include "plexus/io/file.h"
#include "plexus/io/npy_format.h"

namespace plexus {
namespace {

// Bookkeeping takes some 600 bytes a member, ours and libzip's; zip archives without extensions have one less
// at most.
constexpr int64_t max_members = int64_t(1) << 16;
constexpr std::string_view ending = ".npy";

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

std::string text_of(zip_error_t& error) { return zip_error_strerror(&error); }

// What libzip complains about: the system, memory, or the archive. Its own words change from version to
// version.
[[noreturn]] void fail(const std::string& path, const std::string& place, zip_error_t& error) {
  const auto problem = [&]() -> std::string {
    switch (zip_error_code_zip(&error)) {
      case ZIP_ER_MEMORY:
        throw std::bad_alloc();
      case ZIP_ER_OPEN:
      case ZIP_ER_READ:
        throw IoError(path + ": cannot read: " + text_of(error));
#ifdef ZIP_ER_TRUNCATED_ZIP  // since 1.11
      case ZIP_ER_TRUNCATED_ZIP:
#endif
      case ZIP_ER_NOZIP:
      case ZIP_ER_INCONS:
      case ZIP_ER_SEEK:  // to where the archive says that something is; versions of libzip differ in which it
                         // is
        return "the zip archive is cut off or damaged: its directory and its members do not fit together";
      case ZIP_ER_CRC:
        return "damaged zip archive: wrong checksum";
      case ZIP_ER_ZLIB:
        return "damaged zip archive: the compressed data is not deflate";
      case ZIP_ER_EXISTS:
        return "two members have the same name";
      case ZIP_ER_MULTIDISK:
        return "part of a zip archive of several disks";
      default:
        return "damaged zip archive: " + text_of(error);
    }
  }();
  throw FormatError(path, place, problem);
}

// A member's bytes, inflated while they are read.
class Member final : public io::Source {
 public:
  Member(const std::string& path, zip_t* archive, const zip_stat_t& status)
      : path_(path),
        name_("member " + io::excerpt(status.name)),
        file_(zip_fopen_index(archive, status.index, 0)) {
    if (file_ == nullptr) fail(path_, name_, *zip_get_error(archive));
    certain_ = status.comp_method == ZIP_CM_STORE ? status.size : 0;
    possible_ = status.size;
  }

  const std::string& path() const override { return path_; }
  size_t read(void* out, size_t bytes) override {
    size_t done = 0;
    while (done < bytes) {
      const zip_int64_t n = zip_fread(file_.get(), static_cast<char*>(out) + done, bytes - done);
      if (n < 0) fail(path_, name_, *zip_file_get_error(file_.get()));
      done += size_t(n);
      if (n == 0 ? done < possible_ : done > possible_)
        throw FormatError(path_, name_, "holds another number of bytes than the archive's directory says");
      if (n == 0) break;
    }
    certain_ -= std::min<uint64_t>(certain_, done);
    possible_ -= std::min<uint64_t>(possible_, done);
    return done;
  }
  uint64_t certain() const override { return certain_; }
  uint64_t possible() const override { return possible_; }
  std::string place(uint64_t offset) const override { return name_ + ", byte " + std::to_string(offset); }

 private:
  const std::string& path_;
  std::string name_;
  std::unique_ptr<zip_file_t, Discard> file_;
  uint64_t certain_, possible_;
};

// The members, checked against what the file can hold: their sizes are claims.
std::vector<zip_stat_t> members(const std::string& path, uint64_t file_bytes, zip_t* archive) {
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  if (count > max_members)
    throw FormatError(
        path, "", std::to_string(count) + " members; at most " + std::to_string(max_members) + " are read");
  std::vector<zip_stat_t> result(size_t(std::max<zip_int64_t>(count, 0)));
  uint64_t compressed = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    zip_stat_t& status = result[i];
    if (zip_stat_index(archive, i, 0, &status) != 0) fail(path, "", *zip_get_error(archive));
    const auto refuse = [&](const std::string& problem) {
      throw FormatError(path, "member " + io::excerpt(status.name), problem);
    };
    if (status.encryption_method != ZIP_EM_NONE) refuse("encrypted");
    if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE)
      refuse("compressed with method " + std::to_string(status.comp_method) +
             "; 0 (stored) and 8 (deflate) are read");
    // Members that share bytes would multiply them.
    if (status.comp_size > file_bytes - compressed)
      refuse("the members claim more bytes than the " + std::to_string(file_bytes) + " of the file");
    compressed += status.comp_size;
    if (status.size / io::max_ratio > status.comp_size ||
        (status.comp_method == ZIP_CM_STORE && status.size != status.comp_size))
      refuse("claims to hold " + std::to_string(status.size) + " bytes in " +
             std::to_string(status.comp_size));
  }
  return result;
}

std::string tensor_name(std::string_view member) {
  if (member.ends_with(ending)) member.remove_suffix(ending.size());
  return std::string(member);
}

// The name that occurs twice; null where there is none.
const std::string* repeated(std::span<const NamedTensor> tensors) {
  std::vector<const std::string*> names;
  for (const NamedTensor& tensor : tensors) names.push_back(&tensor.name);
  const auto content = [](const std::string* name) -> const std::string& { return *name; };
  std::ranges::sort(names, {}, content);
  const auto twice = std::ranges::adjacent_find(names, {}, content);
  return twice == names.end() ? nullptr : *twice;
}

Archive open(io::InputFile& file) {
  std::array<char, 4> start{};
  const std::string_view found(start.data(), file.read(start.data(), start.size()));
  if (found != "PK\3\4" && found != "PK\5\6")  // the latter: no members
    throw FormatError(
        file.path(), file.place(0),
        "not a zip archive: it starts with " + io::hexadecimal(found) + " instead of 50 4b 03 04");
  file.rewind();
  // libzip closes the descriptor that it takes over.
  const int descriptor = fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
  int code = ZIP_ER_OPEN;
  Archive archive(descriptor < 0 ? nullptr : zip_fdopen(descriptor, ZIP_CHECKCONS, &code));
  if (archive != nullptr) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  if (descriptor >= 0) close(descriptor);
  fail(file.path(), "", error);
}

// The bytes of an archive of them.
std::string zipped(const std::string& path, std::span<const NamedTensor> tensors, Compression compression) {
  const auto refuse = [](const std::string& problem) { throw ArgumentError("save_npz: " + problem); };
  const auto check = [&](bool fine, zip_error_t* error) {
    if (fine) return;
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY) throw std::bad_alloc();
    throw IoError(path + ": cannot write: " + text_of(*error));
  };
  if (int64_t(tensors.size()) > max_members)
    refuse(std::to_string(tensors.size()) + " tensors; at most " + std::to_string(max_members));
  if (const std::string* name = repeated(tensors)) refuse("two tensors are named " + io::excerpt(*name));
  if (tensors.empty()) return "PK\5\6" + std::string(18, '\0');  // libzip makes no file of this

  zip_error_t error;
  zip_error_init(&error);
  std::unique_ptr<zip_source_t, Discard> bytes(zip_source_buffer_create(nullptr, 0, 0, &error));
  check(bytes != nullptr, &error);
  Archive archive(zip_open_from_source(bytes.get(), ZIP_TRUNCATE, &error));
  check(archive != nullptr, &error);
  zip_source_keep(bytes.get());     // the archive holds it too
  std::deque<std::string> headers;  // which libzip reads when the archive is closed
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name.find('\0') != name.npos) refuse(io::excerpt(name) + " cannot be a name");
    std::string& header = headers.emplace_back(io::npy_header("save_npz", tensor));
    std::array<zip_buffer_fragment_t, 2> parts{};
    parts[0] = {reinterpret_cast<zip_uint8_t*>(header.data()), header.size()};
    parts[1] = {reinterpret_cast<zip_uint8_t*>(const_cast<std::byte*>(tensor.bytes())), tensor.byte_count()};
    std::unique_ptr<zip_source_t, Discard> part(
        zip_source_buffer_fragment_create(parts.data(), tensor.byte_count() == 0 ? 1 : 2, 0, &error));
    check(part != nullptr, &error);
    const std::string member = name + std::string(ending);
    const zip_int64_t index = zip_file_add(archive.get(), member.c_str(), part.get(), ZIP_FL_ENC_UTF_8);
    zip_error_t* problem = zip_get_error(archive.get());
    if (index < 0 && zip_error_code_zip(problem) == ZIP_ER_INVAL) refuse(io::excerpt(name) + " is not UTF-8");
    check(index >= 0, problem);
    part.release();
    const auto at = zip_uint64_t(index);
    const int method = compression == Compression::none ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
    check(zip_set_file_compression(archive.get(), at, method, 0) == 0, problem);
    // The first day that zip can say, so that the same tensors give the same bytes.
    check(zip_file_set_dostime(archive.get(), at, 0, 1 << 5 | 1, 0) == 0, problem);
  }
  check(zip_close(archive.get()) == 0, zip_get_error(archive.get()));
  archive.release();

  zip_stat_t status;
  zip_error_t* problem = zip_source_error(bytes.get());
  check(zip_source_stat(bytes.get(), &status) == 0 && zip_source_open(bytes.get()) == 0, problem);
  std::string content(status.size, '\0');
  const zip_int64_t size = zip_source_read(bytes.get(), content.data(), content.size());
  check(size >= 0, problem);
  content.resize(size_t(size));
  zip_source_close(bytes.get());
  bytes.reset();
  return content;
}

}  // namespace

std::vector<NamedTensor> load_npz(const std::string& path) {
  io::InputFile file(path);
  const uint64_t file_bytes = file.certain();
  const Archive archive = open(file);
  const std::vector<zip_stat_t> all = members(path, file_bytes, archive.get());
  std::vector<NamedTensor> tensors;
  for (const zip_stat_t& status : all) tensors.push_back({tensor_name(status.name), {}});
  if (const std::string* name = repeated(tensors))
    throw FormatError(path, "", "two members are named " + io::excerpt(*name));
  for (size_t i = 0; i < all.size(); ++i) {
    Member member(path, archive.get(), all[i]);
    tensors[i].tensor = io::read_npy(member);
  }
  return tensors;
}

void save_npz(const std::string& path, std::span<const NamedTensor> tensors, Compression compression) {
  const std::string content = zipped(path, tensors, compression);
  const std::array<std::string_view, 1> parts{content};
  io::write_file(path, parts);
}

}  // namespace plexus
