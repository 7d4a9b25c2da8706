#include "plexus/trainer/tuning_cache.h"

#include <array>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "plexus/core/error.h"
#include "plexus/io/checksum.h"
#include "plexus/io/file.h"

namespace plexus {
namespace {

constexpr int format_version = 1;

Json to_json(const Candidate& candidate) {
  return {{"backend", candidate.backend},
          {"threads", candidate.threads},
          {"microseconds", std::isfinite(candidate.seconds) ? Json(candidate.seconds * 1e6) : Json(nullptr)},
          {"verdict", candidate.verdict}};
}

/// Whoever has edited the file: no other backend is taken than those that are asked about, and no more threads.
void require_candidate(const Fields& choice, const Tuning& tuning, const Json& question) {
  const auto chosen = [&](const Json& backend) { return backend.get<std::string>() == tuning.backend; };
  bool known = chosen(question.at("last_resort"));
  for (const Json& candidate : question.at("candidates")) known = known || chosen(candidate.at("backend"));
  if (!known) choice.refuse("the choice is none of the candidates");
  if (tuning.threads < 1 || tuning.threads > question.at("threads").get<int>()) choice.refuse("the choice has too many threads");
}

Tuning parse(const std::string& path, const Json& json, const Json& question) {
  Tuning tuning;
  Fields choice(path, "choice", json);
  tuning.backend = choice.text("backend");
  tuning.threads = static_cast<int>(choice.integer("threads"));
  require_candidate(choice, tuning, question);
  for (const Json& row : choice.array("candidates")) {
    Fields fields(path, "choice.candidates", row);
    Candidate candidate{.backend = fields.text("backend"), .threads = static_cast<int>(fields.integer("threads"))};
    if (!fields.get("microseconds").is_null()) candidate.seconds = fields.number("microseconds") / 1e6;
    candidate.verdict = fields.text("verdict");
    fields.finish();
    tuning.candidates.push_back(std::move(candidate));
  }
  choice.finish();
  tuning.source = path;
  return tuning;
}

}  // namespace

TuningCache::TuningCache(std::string directory, Json question, Json machine, LogSink sink)
    : directory_(std::move(directory)),
      path_(directory_ + "/tuning-" + io::hexadecimal(io::checksum(question.dump())) + ".json"),
      question_(std::move(question)),
      machine_(std::move(machine)),
      sink_(std::move(sink)) {}

std::optional<Tuning> TuningCache::load() const {
  std::error_code error;
  if (directory_.empty() || !std::filesystem::exists(path_, error)) return std::nullopt;
  try {
    io::InputFile file(path_);
    const Json json = parse_json(path_, "", file.read_rest());
    Fields fields(path_, "", json);
    if (fields.integer("tuning_version") != format_version) fields.refuse("written by another version of Plexus");
    if (fields.get("question") != question_) fields.refuse("answers another question");
    const Json& machine = fields.get("machine");
    for (const auto& [key, value] : machine_.items())
      if (!machine.is_object() || machine.value(key, Json()) != value) fields.refuse("out of date: other " + key);
    Tuning tuning = parse(path_, fields.get("choice"), question_);
    fields.finish();
    return tuning;
  } catch (const Error& problem) {
    warn(std::string(problem.what()) + ": auto measures again");
    return std::nullopt;
  }
}

void TuningCache::save(const Tuning& tuning) const {
  if (directory_.empty()) return;
  Json candidates = Json::array();
  for (const Candidate& candidate : tuning.candidates) candidates.push_back(to_json(candidate));
  const Json json = {
      {"tuning_version", format_version},
      {"question", question_},
      {"machine", machine_},
      {"choice", {{"backend", tuning.backend}, {"threads", tuning.threads}, {"candidates", candidates}}}};
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return warn(directory_ + ": cannot keep the choice of auto: " + error.message());
  try {
    const std::string text = json.dump(2) + "\n";
    io::write_file(path_, std::array{std::string_view(text)});
  } catch (const IoError& problem) {
    warn(std::string(problem.what()) + ": the choice of auto is not kept");
  }
}

void TuningCache::warn(const std::string& line) const {
  if (sink_) sink_(LogLevel::warning, line);
}

}  // namespace plexus
