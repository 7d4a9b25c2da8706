// TrainingLog: what happened in training, line by line, in a file.
#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "plexus/export.h"
#include "plexus/trainer/callback.h"

namespace plexus {

struct TrainingLogOptions {
  bool steps = false;            ///< a line a step: the log of learning rates; else a line an epoch
  bool append = false;           ///< goes on at the end of a file that is there; else it is replaced
};

/// By the file's ending CSV with a header (.csv) or a JSON object a line (.jsonl). Epochs: epoch, train_loss, validation_loss,
/// validation_accuracy, learning_rate, seconds. Steps: epoch, step, rows, loss, learning_rate. What there is not (NaN) is empty, or
/// null. The file is opened when training begins and whole lines are in it after every epoch. A resumed training goes on behind
/// the line where its checkpoint was taken.
class PLEXUS_EXPORT TrainingLog : public Callback {
 public:
  /// Throws ArgumentError for another ending.
  explicit TrainingLog(std::string path, TrainingLogOptions options = {});
  ~TrainingLog() override;

  /// These throw IoError where the file cannot be written.
  void on_train_begin(Sequential&, const Progress&) override;
  bool on_step(const Progress& progress) override;
  bool on_epoch(const Epoch& epoch) override;
  void on_train_end(const History&) override;

  std::string name() const override;
  std::string state() const override;
  void restore(const std::string& state) override;

 private:
  void write(const char* line, size_t bytes);
  void flush() const;
  [[noreturn]] void fail() const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  TrainingLogOptions options_;
  bool json_;
  std::unique_ptr<std::FILE, Close> file_;
  int64_t restored_ = -1;        // bytes that belong to the part that is resumed
};

}  // namespace plexus
