#include "plexus/cli/trace.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "plexus/core/error.h"
#include "plexus/trainer/fingerprint.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t every_step_until = 128, steps_a_doubling = 64;

std::string line_of(const TracePoint& point) {
  return Json{{"step", point.step}, {"epoch", point.epoch}, {"loss", point.loss}, {"tensors", point.tensors}}
             .dump() +
         '\n';
}

TracePoint parse(const std::string& path, size_t line, const std::string& text) {
  try {
    const Json json = Json::parse(text);
    return {json.at("step"), json.at("epoch"), json.at("loss"), json.at("tensors")};
  } catch (const Json::exception&) {
    throw FormatError(path, "line " + std::to_string(line), "is no point of a trace");
  }
}

[[noreturn]] void fail(const std::string& path, const std::string& action) {
  throw IoError(path + ": cannot " + action + ": " + std::strerror(errno));
}

// What follows from the others: the loss is compared by itself.
bool is_result(const std::string& name) { return name == "loss" || name == "loss_scale"; }

// Parameters say more than what was made of them.
std::string first_difference(const TracePoint& a, const TracePoint& b) {
  std::string found;
  const auto differs = [&](const std::string& name) {
    const auto other = b.tensors.find(name);
    return other == b.tensors.end() || other->second != a.tensors.at(name);
  };
  int64_t others = -1;
  for (const auto& [name, fingerprint] : a.tensors)
    if (differs(name)) {
      if (found.empty()) found = name;
      ++others;
    }
  if (found.empty() && a.tensors.size() != b.tensors.size()) return "tensors that were not there";
  return found.empty() ? found
                       : "tensor " + found + (others > 0 ? " and " + std::to_string(others) + " more" : "");
}

}  // namespace

bool is_traced(int64_t step) {
  const auto stride = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(step))) / steps_a_doubling;
  return step <= every_step_until || step % stride == 0;
}

std::vector<TracePoint> load_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail(path, "open");
  std::vector<TracePoint> points;
  for (std::string line; std::getline(file, line) && !file.eof();)
    points.push_back(parse(path, points.size() + 1, line));
  return points;
}

void Tracer::on_train_begin(Sequential& network, const Progress&) {
  network_ = &network;
  step_ = network.store().scalar<int64_t>("step");
  begin(step_);
}

bool Tracer::on_step(const Progress& progress) {
  if (!is_traced(++step_)) return false;
  TracePoint point{.step = step_, .epoch = progress.epoch, .loss = progress.loss};
  for (const auto& [name, entry] : network_->store().entries())
    if (!is_result(name)) point.tensors[name] = fingerprint(network_->store().get(name));
  return take(point);
}

void TraceWriter::begin(int64_t step) {
  std::vector<TracePoint> points;
  if (step > 0 && std::filesystem::exists(path_)) points = load_trace(path_);
  file_.open(path_, std::ios::trunc);
  if (!file_) fail(path_, "write");
  for (const TracePoint& point : points)
    if (point.step <= step) write(point);
}

bool TraceWriter::take(const TracePoint& point) {
  write(point);
  return false;
}

void TraceWriter::write(const TracePoint& point) {
  file_ << line_of(point) << std::flush;
  if (!file_) fail(path_, "write");
}

bool TraceComparison::take(const TracePoint& point) {
  const auto expected = std::ranges::find(expected_, point.step, &TracePoint::step);
  if (expected == expected_.end()) return !expected_.empty() && point.step > expected_.back().step;
  ++compared_;
  const std::string tensor = first_difference(*expected, point);
  const bool loss = expected->loss != point.loss;
  if (tensor.empty() && !loss) {
    last_step_ = point.step;
    return false;
  }
  const Json then = expected->loss, now = point.loss;  // with all their digits
  difference_ = "step " + std::to_string(point.step) + " (epoch " + std::to_string(point.epoch) +
                "): " + (tensor.empty() ? "" : tensor + (loss ? ", " : "")) +
                (loss ? "loss " + now.dump() + " instead of " + then.dump() : "") +
                (last_step_ > 0 ? "; step " + std::to_string(last_step_) + " was the same" : "");
  return true;
}

}  // namespace plexus::cli
