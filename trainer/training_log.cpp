#include "plexus/trainer/training_log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "plexus/core/error.h"
#include "plexus/trainer/callback_state.h"

namespace plexus {
namespace {

struct Field {
  const char* name;
  double value;
  bool single = false;  // a float: 0.01, not 0.009999999776482582
};

std::array<Field, 6> fields_of(const Epoch& e) {
  return {{{"epoch", static_cast<double>(e.epoch)},
           {"train_loss", e.train_loss},
           {"validation_loss", e.validation_loss},
           {"validation_accuracy", e.validation_accuracy},
           {"learning_rate", e.learning_rate, true},
           {"seconds", e.seconds}}};
}

std::array<Field, 5> fields_of(const Progress& p) {
  return {{{"epoch", static_cast<double>(p.epoch)},
           {"step", static_cast<double>(p.step)},
           {"rows", static_cast<double>(p.rows)},
           {"loss", p.loss},
           {"learning_rate", p.learning_rate, true}}};
}

/// A line of the file. Allocates nothing: it may be written after every step.
class Line {
 public:
  template <size_t N>
  void header(const std::array<Field, N>& fields) {
    for (const Field& field : fields) text(&field == fields.data() ? "" : ",").text(field.name);
    text("\n");
  }
  template <size_t N>
  void csv(const std::array<Field, N>& fields) {
    for (const Field& field : fields) text(&field == fields.data() ? "" : ",").number(field, "");
    text("\n");
  }
  template <size_t N>
  void json(const std::array<Field, N>& fields) {
    for (const Field& field : fields)
      text(&field == fields.data() ? "{\"" : ",\"").text(field.name).text("\":").number(field, "null");
    text("}\n");
  }
  const char* data() const { return bytes_; }
  size_t size() const { return static_cast<size_t>(end_ - bytes_); }

 private:
  Line& text(const char* text) {
    end_ = std::copy_n(text, std::strlen(text), end_);
    return *this;
  }
  /// With all its digits; NaN and infinity, which JSON has no word for, are absent.
  Line& number(const Field& field, const char* absent) {
    if (!std::isfinite(field.value)) return text(absent);
    end_ = field.single ? std::to_chars(end_, std::end(bytes_), static_cast<float>(field.value)).ptr
                        : std::to_chars(end_, std::end(bytes_), field.value).ptr;
    return *this;
  }

  // At most six fields, each of a name (19 characters), a number (24) and what stands around them.
  char bytes_[512];
  char* end_ = bytes_;
};

template <class Record>
Line line_of(const Record& record, bool json) {
  Line line;
  json ? line.json(fields_of(record)) : line.csv(fields_of(record));
  return line;
}

}  // namespace

TrainingLog::TrainingLog(std::string path, TrainingLogOptions options)
    : path_(std::move(path)), options_(options), json_(path_.ends_with(".jsonl")) {
  if (!json_ && !path_.ends_with(".csv"))
    throw ArgumentError("training log: '" + path_ + "': choose a name that ends in .csv or .jsonl");
}

TrainingLog::~TrainingLog() = default;

void TrainingLog::on_train_begin(Sequential&, const Progress&) {
  if (file_) return;  // not the first call of fit
  std::error_code error;
  int64_t bytes = 0;
  if (std::filesystem::is_regular_file(path_, error))
    bytes = static_cast<int64_t>(std::filesystem::file_size(path_));
  // Lines behind the checkpoint will be written again. A file that has become shorter goes on at its end.
  if (restored_ >= 0 && bytes > restored_) {
    bytes = restored_;
    std::filesystem::resize_file(path_, static_cast<uint64_t>(bytes), error);
    if (error) throw IoError(path_ + ": cannot write: " + error.message());
  }
  const bool keep = options_.append || restored_ >= 0;
  file_.reset(std::fopen(path_.c_str(), keep ? "ab" : "wb"));
  if (!file_) fail();
  if (json_ || (keep && bytes > 0)) return;
  Line line;
  options_.steps ? line.header(fields_of(Progress{})) : line.header(fields_of(Epoch{}));
  write(line.data(), line.size());
}

bool TrainingLog::on_step(const Progress& progress) {
  if (!options_.steps) return false;
  const Line line = line_of(progress, json_);
  write(line.data(), line.size());
  return false;
}

bool TrainingLog::on_epoch(const Epoch& epoch) {
  if (!options_.steps) {
    const Line line = line_of(epoch, json_);
    write(line.data(), line.size());
  }
  flush();
  return false;
}

void TrainingLog::on_train_end(const History&) { flush(); }

// The directory may have moved, or be called another way from elsewhere.
std::string TrainingLog::name() const {
  return "training_log." + std::filesystem::path(path_).filename().string();
}

std::string TrainingLog::state() const {
  if (!file_) return CallbackState().set("bytes", std::max<int64_t>(restored_, 0)).text();
  flush();
  return CallbackState().set("bytes", int64_t{std::ftell(file_.get())}).text();
}

void TrainingLog::restore(const std::string& state) {
  restored_ = CallbackState(name(), state).count("bytes");
  file_.reset();
}

void TrainingLog::write(const char* line, size_t bytes) {
  if (std::fwrite(line, 1, bytes, file_.get()) != bytes) fail();
}

void TrainingLog::flush() const {
  if (std::fflush(file_.get()) != 0) fail();
}

void TrainingLog::fail() const {
  throw IoError(path_ + ": cannot write: " + std::generic_category().message(errno));
}

}  // namespace plexus
