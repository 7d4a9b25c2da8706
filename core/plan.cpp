#include "plexus/core/plan.h"

#include <algorithm>
#include <set>

#include "plexus/core/error.h"
#include "plexus/core/plan_build.h"
#include "plexus/core/plan_state.h"

namespace plexus {
namespace {

/// Of a run in the table. An activation behind a product fits; longer lines would make the table wider than a terminal.
constexpr size_t longest_spec = 64;

}  // namespace

Plan::State::State(const Context& c, Store& s, std::shared_ptr<const PreparedProgram> p)
    : context(c), store(&s), prepared(std::move(p)), bound(prepared->program.buffers().size(), nullptr),
      watched(c.policies().check != Check::none || c.policies().verbose >= int(LogLevel::run) || c.profile()) {
  exchange = Tensor(DType::u8, Shape{int64_t(prepared->exchange_bytes)});
  adopt();
}

void Plan::State::adopt() {
  rows = prepared->rows;
  texts.clear();
  arena = Tensor(DType::u8, Shape{int64_t(prepared->arena_bytes)});
  call.workspace = arena.bytes() + prepared->workspace_offset;
  addresses.clear();
  for (const BufferId id : prepared->slots) addresses.push_back(id == no_buffer ? nullptr : address(id));
  exchanged.clear();
  const std::vector<Buffer>& buffers = prepared->program.buffers();
  for (size_t id = 0; id < buffers.size(); id++) {
    if (buffers[id].role != Role::input && buffers[id].role != Role::output) continue;
    exchanged.push_back({buffers[id].name, BufferId(id), {}});
    for (size_t slot = 0; slot < prepared->slots.size(); slot++)
      if (prepared->slots[slot] == BufferId(id)) exchanged.back().slots.push_back(slot);
  }
}

void* Plan::State::address(BufferId id) const {
  const Buffer& buffer = prepared->program[id];
  if (bound[size_t(id)]) return bound[size_t(id)];
  if (buffer.persistent()) return store->data(buffer.name);
  const Tensor& memory = buffer.role == Role::temporary ? arena : exchange;
  return const_cast<std::byte*>(memory.bytes()) + prepared->offsets[size_t(id)];
}

const Plan::State::Exchanged& Plan::State::find(const std::string& name) const {
  for (const Exchanged& buffer : exchanged)
    if (buffer.name == name) return buffer;
  std::string names;
  for (const Exchanged& buffer : exchanged) names += (names.empty() ? "" : ", ") + buffer.name;
  throw ArgumentError("plan: no input or output '" + name + "'; there are: " + names);
}

/// Checks the row count, and follows a store whose layouts have changed.
void Plan::State::begin(int64_t count) {
  if (count < 0 || (count > prepared->program.batch() && prepared->program.batch() > 0))
    throw ShapeError("plan: " + std::to_string(count) + " rows, prepared for at most " +
                     std::to_string(prepared->program.batch()));
  call.rows = count;
  if (prepared->store_version != store->version() || (prepared->quarantines != context.quarantines() && !forked)) {
    prepared = prepare_programs(context, *store, {prepared->program}).front();
    adopt();
  }
}

Plan::Plan(std::unique_ptr<State> state) : state_(std::move(state)) {}
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

std::vector<Plan> Plan::build(const Context& context, Store& store, std::vector<Program> programs) {
  std::vector<Plan> plans;
  for (auto& prepared : prepare_programs(context, store, std::move(programs)))
    plans.push_back(Plan(std::make_unique<State>(context, store, std::move(prepared))));
  return plans;
}

Plan Plan::build(const Context& context, Store& store, Program program) {
  std::vector<Program> programs;
  programs.push_back(std::move(program));
  return std::move(build(context, store, std::move(programs)).front());
}

void Plan::run(int64_t rows) {
  State& state = *state_;
  state.begin(rows);
  if (state.watched) return run_watched(rows);
  for (const auto& step : state.prepared->steps)
    step.kernel->run(&state.addresses[step.first_slot], state.call);
}

void* Plan::data(const std::string& name) { return state_->address(state_->find(name).id); }

void Plan::bind(const std::string& name, void* address) {
  const State::Exchanged& buffer = state_->find(name);
  state_->bound[size_t(buffer.id)] = address;
  for (const size_t slot : buffer.slots) state_->addresses[slot] = state_->address(buffer.id);
}

Plan Plan::fork() const {
  auto state = std::make_unique<State>(state_->context, *state_->store, state_->prepared);
  state->forked = true;
  state_->forked = true;
  return Plan(std::move(state));
}

const Program& Plan::program() const { return state_->prepared->program; }
const Context& Plan::context() const { return state_->context; }
const std::vector<Plan::Row>& Plan::rows() const { return state_->rows; }
size_t Plan::arena_bytes() const { return state_->prepared->exchange_bytes + state_->prepared->arena_bytes; }

std::string Plan::table() const {
  const std::vector<std::string> head = {"operation", "spec", "backend", "kernel", "why"};
  std::vector<std::vector<std::string>> cells = {head};
  for (const Row& row : state_->rows) {
    const size_t inside = row.last - row.first;
    // What runs inside follows with its own spec: a whole step in one line is read by nobody.
    const bool long_line = inside > 1 && row.spec.size() > longest_spec;
    cells.push_back({row.label,
                     long_line ? to_string(program().operations()[row.first].spec) + " + " + std::to_string(inside - 1) : row.spec,
                     row.backend, row.description, row.why + (row.deviations.empty() ? "" : ", deviates")});
    for (size_t i = row.first + 1; i < row.last; i++)  // what runs inside the kernel above
      cells.push_back(
          {program().operations()[i].label, to_string(program().operations()[i].spec), "|", "", ""});
  }
  std::vector<size_t> widths(head.size());
  for (const auto& row : cells)
    for (size_t column = 0; column < head.size(); column++)
      widths[column] = std::max(widths[column], row[column].size());
  std::string text;
  for (const auto& row : cells) {
    std::string line;
    for (size_t column = 0; column < head.size(); column++) {
      line += row[column];
      if (column + 1 < head.size()) line.append(widths[column] - row[column].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  std::set<std::string> deviations;
  for (const Row& row : state_->rows)
    if (!row.deviations.empty()) deviations.insert(row.backend + " deviates: " + row.deviations);
  for (const std::string& line : deviations) text += line + "\n";
  return text;
}

}  // namespace plexus
