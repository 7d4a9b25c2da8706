#include "plexus/backends/abi/file_check.h"

#include <elf.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "plexus/core/error.h"

namespace plexus::abi {
namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
constexpr Elf64_Half this_machine = EM_X86_64;
constexpr const char* machine_name = "x86-64";
#elif defined(__aarch64__)
constexpr Elf64_Half this_machine = EM_AARCH64;
constexpr const char* machine_name = "AArch64";
#elif defined(__riscv)
constexpr Elf64_Half this_machine = EM_RISCV;
constexpr const char* machine_name = "RISC-V";
#else
constexpr Elf64_Half this_machine = EM_NONE;  // unknown: dlopen decides
constexpr const char* machine_name = "";
#endif

struct stat state_of(const std::string& file, const fs::path& path) {
  struct stat state;
  if (stat(path.c_str(), &state) != 0) refuse(file, path.string() + ": " + std::strerror(errno));
  return state;
}

/// Nobody but its owner can have put something else in the place of `path`, whose directory is canonical.
void check_directories(const std::string& file, const fs::path& directory) {
  for (fs::path path = directory;; path = path.parent_path()) {
    const mode_t mode = state_of(file, path).st_mode;
    // In a directory with the sticky bit (/tmp) nobody can replace what is another's; but he can put a file
    // there.
    if ((mode & S_IWOTH) && (path == directory || !(mode & S_ISVTX)))
      refuse(file,
             "everybody may write to " + path.string() + ", and so run code here: chmod o-w, or move it");
    if (path == path.root_path()) return;
  }
}

void check_rights(const std::string& file, const std::string& itself) {
  const mode_t mode = state_of(file, itself).st_mode;
  if (!S_ISREG(mode)) refuse(file, "not a regular file");
  if (mode & S_IWOTH) refuse(file, "everybody may write to it, and so run code here: chmod o-w");
  check_directories(file, fs::path(itself).parent_path());
  check_directories(file, fs::canonical(fs::path(file).parent_path()));
}

/// Every loaded segment lies within the file: a page beyond its end would be a bus error, long after dlopen
/// has begun.
void check_segments(const std::string& file, std::istream& stream, const Elf64_Ehdr& header, uint64_t size) {
  const uint64_t table = uint64_t(header.e_phnum) * sizeof(Elf64_Phdr);
  const auto cut_off = [&](uint64_t needed) {
    refuse(file, "cut off: has " + std::to_string(size) + " bytes, needs " + std::to_string(needed));
  };
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0)
    refuse(file, "not a shared object: its header is damaged");
  if (header.e_phoff > size || table > size - header.e_phoff) cut_off(header.e_phoff + table);
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  stream.seekg(std::streamoff(header.e_phoff));
  stream.read(reinterpret_cast<char*>(segments.data()), std::streamsize(table));
  if (!stream) refuse(file, "cannot be read");
  for (const Elf64_Phdr& segment : segments)
    if (segment.p_filesz > size || segment.p_offset > size - segment.p_filesz)
      cut_off(segment.p_offset + segment.p_filesz);
}

void check_format(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) refuse(file, std::strerror(errno));
  std::error_code error;
  const uint64_t size = fs::file_size(file, error);
  if (error) refuse(file, error.message());
  if (size == 0) refuse(file, "empty: not a shared object");
  Elf64_Ehdr header{};
  stream.read(reinterpret_cast<char*>(&header), sizeof header);
  const bool whole = bool(stream);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    refuse(file, "not a shared object: it does not begin as an ELF file");
  if (!whole)
    refuse(file, "cut off: has " + std::to_string(size) + " bytes, needs " + std::to_string(sizeof header));
  if (this_machine == EM_NONE) return;
  const int order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != order ||
      header.e_machine != this_machine)
    refuse(file, "made for another machine, this one is 64-bit " + std::string(machine_name));
  if (header.e_type != ET_DYN) refuse(file, "not a shared object: an ELF file of another kind");
  check_segments(file, stream, header, size);
}

}  // namespace

void refuse(const std::string& file, const std::string& problem) { throw BackendError(file + ": " + problem); }

std::string checked_file(const std::string& file) {
  if (!file.starts_with('/')) refuse(file, "not an absolute path");
  std::error_code error;
  const std::string itself = fs::canonical(file, error);
  if (error) refuse(file, error.message());
  check_rights(file, itself);
  check_format(itself);
  return itself;
}

}  // namespace plexus::abi
