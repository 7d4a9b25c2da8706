#include "plexus/trainer/checkpoint_file.h"

#include <cstring>
#include <span>

#include "plexus/io/sections.h"
#include "plexus/trainer/fields.h"

namespace plexus {
namespace {

const std::string kind = "PLXC";

// An epoch is a row of the section "history": numbers as they lie in memory, NaN and infinity too.
constexpr double Epoch::*columns[] = {&Epoch::train_loss, &Epoch::validation_loss,
                                      &Epoch::validation_accuracy, &Epoch::learning_rate, &Epoch::seconds};
constexpr size_t fixed_sections = 3;  // before those of tensors and callbacks
constexpr size_t row_bytes = (1 + std::size(columns)) * sizeof(double);

std::string_view text_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_count()};
}

std::string history_bytes(const History& history) {
  std::string bytes;
  bytes.reserve(history.epochs.size() * row_bytes);
  const auto append = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const Epoch& epoch : history.epochs) {
    append(epoch.epoch);
    for (const auto column : columns) append(epoch.*column);
  }
  return bytes;
}

std::vector<Epoch> read_history(const std::string& file, std::string_view bytes) {
  if (bytes.size() % row_bytes != 0) throw FormatError(file, "section 'history'", "ends within an epoch");
  std::vector<Epoch> epochs(bytes.size() / row_bytes);
  const char* at = bytes.data();
  const auto read = [&](auto& value) {
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
  };
  for (Epoch& epoch : epochs) {
    read(epoch.epoch);
    for (const auto column : columns) read(epoch.*column);
  }
  return epochs;
}

Json entry_json(const Checkpoint::Entry& entry) {
  const auto sizes = entry.tensor.shape().sizes();
  return {{"name", entry.name},
          {"role", to_string(entry.role)},
          {"dtype", to_string(entry.tensor.dtype())},
          {"shape", std::vector<int64_t>(sizes.begin(), sizes.end())}};
}

DType read_dtype(Fields& fields) {
  const std::string name = fields.text("dtype");
  for (const DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64, DType::u8})
    if (name == to_string(dtype)) return dtype;
  fields.refuse("type " + in_quotes(name) + " is not known");
}

Role read_role(Fields& fields) {
  const std::string name = fields.text("role");
  for (const Role role : {Role::parameter, Role::state, Role::scalar})
    if (name == to_string(role)) return role;
  fields.refuse("role " + in_quotes(name) + " is not known");
}

Checkpoint::Entry read_entry(const std::string& file, const Json& json, std::string_view bytes) {
  Fields fields(file, "section 'run': entries", json);
  Checkpoint::Entry entry{fields.text("name"), read_role(fields), {}};
  const DType dtype = read_dtype(fields);
  std::vector<int64_t> sizes;
  for (const Json& size : fields.array("shape")) sizes.push_back(fields.integer("shape", size));
  fields.finish();
  try {
    const Shape shape{std::span<const int64_t>(sizes)};
    // Before anything is allocated: the file has these bytes.
    if (bytes.size() / size_of(dtype) != static_cast<uint64_t>(shape.elements()) ||
        bytes.size() % size_of(dtype) != 0)
      fields.refuse(plexus::in_quotes(entry.name) + " is " + to_string(shape) + ", but its section has " +
                    std::to_string(bytes.size()) + " bytes");
    entry.tensor = Tensor::uninitialized(dtype, shape);
  } catch (const ShapeError& error) {
    fields.refuse(error.what());
  }
  if (!bytes.empty()) std::memcpy(entry.tensor.bytes(), bytes.data(), bytes.size());
  return entry;
}

}  // namespace

void save_checkpoint(const Checkpoint& c, const std::string& path) {
  Json entries = Json::array(), callbacks = Json::array();
  for (const Checkpoint::Entry& entry : c.entries) entries.push_back(entry_json(entry));
  for (const auto& callback : c.callbacks) callbacks.push_back(callback.name);
  const std::string run = Json{
      {"library_version", c.library_version},
      {"backend", c.backend},
      {"isa", c.isa},
      {"threads", c.threads},
      {"first_epoch", c.first_epoch},
      {"epoch", c.epoch},
      {"step", c.step},
      {"rows", c.rows},
      {"loss", c.loss},
      {"learning_rate", c.learning_rate},
      {"loss_sum", c.loss_sum},
      {"seconds", c.seconds},
      {"whole", c.whole},
      {"stopped", c.history.stopped},
      {"entries", std::move(entries)},
      {"callbacks",
       std::move(callbacks)}}.dump();
  const std::string history = history_bytes(c.history);
  std::vector<io::NamedBytes> sections = {{"run", run}, {"settings", c.settings}, {"history", history}};
  for (size_t i = 0; i < c.entries.size(); ++i)
    sections.push_back({"tensor " + std::to_string(i), text_of(c.entries[i].tensor)});
  for (size_t i = 0; i < c.callbacks.size(); ++i)
    sections.push_back({"callback " + std::to_string(i), c.callbacks[i].state});
  io::save_sections(path, kind, checkpoint_format_version, sections);
}

Checkpoint load_checkpoint(const std::string& path) {
  const io::SectionFile file(path, kind, checkpoint_format_version);
  const std::string place = "section 'run'";
  const Json json = parse_json(path, place, file.at(0, "run"));
  Fields fields(path, place, json);
  Checkpoint c;
  c.library_version = fields.text("library_version");
  c.backend = fields.text("backend");
  c.isa = fields.text("isa");
  c.threads = static_cast<int>(fields.integer("threads"));
  c.first_epoch = fields.integer("first_epoch");
  c.epoch = fields.integer("epoch");
  c.step = fields.integer("step");
  c.rows = fields.integer("rows");
  c.loss = fields.number("loss");
  c.learning_rate = fields.number("learning_rate");
  c.loss_sum = fields.number("loss_sum");
  c.seconds = fields.number("seconds");
  c.whole = fields.boolean("whole");
  c.history.stopped = fields.boolean("stopped");
  c.settings = file.at(1, "settings");
  c.history.epochs = read_history(path, file.at(2, "history"));
  size_t next = fixed_sections;
  const auto numbered = [](const char* what, size_t i) { return what + (" " + std::to_string(i)); };
  for (const Json& entry : fields.array("entries"))
    c.entries.push_back(read_entry(path, entry, file.at(next++, numbered("tensor", c.entries.size()))));
  for (const std::string& name : fields.texts("callbacks"))
    c.callbacks.push_back({name, std::string(file.at(next++, numbered("callback", c.callbacks.size())))});
  fields.finish();
  if (next != file.size()) throw FormatError(path, "", "has a section that nobody names");
  return c;
}

}  // namespace plexus
