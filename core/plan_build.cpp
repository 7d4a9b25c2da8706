#include "plexus/core/plan_build.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "plexus/core/error.h"

namespace plexus {
namespace {

constexpr const char* quarantine_fallback = "fallback: quarantined in ";

constexpr size_t aligned(size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

size_t bytes_of(const Buffer& buffer) {
  return size_t(stored_elements(buffer.layout, buffer.shape)) * size_of(buffer.dtype);
}

bool writes(const Operation& operation, size_t slot) {
  return operand(operation.spec, slot).access != Access::in;
}

/// The parameter whose layout a buffer follows, or no_buffer.
BufferId laid_out_as(const Program& program, BufferId buffer) {
  if (buffer == no_buffer) return no_buffer;
  return program[buffer].role == Role::parameter ? buffer : program[buffer].like;
}

/// Layouts still to try for every parameter, by name, best first; plain (null) is last.
class Wishes {
 public:
  void add(const Context& context, const Store& store, const Program& program) {
    for (size_t id = 0; id < program.buffers().size(); id++) {
      const Buffer& buffer = program.buffers()[id];
      if (buffer.role != Role::parameter || wishes_.contains(buffer.name)) continue;
      std::vector<const Layout*> wishes;
      if (store.contains(buffer.name) && store.entry(buffer.name).settled) {
        if (const Layout* decided = store.entry(buffer.name).layout) wishes.push_back(decided);
      } else {
        const auto wanted = context.chosen().layouts(program, BufferId(id));
        wishes.assign(wanted.begin(), wanted.end());
      }
      wishes.push_back(nullptr);
      wishes_.emplace(buffer.name, std::move(wishes));
    }
  }
  const Layout* current(const std::string& parameter) const { return wishes_.at(parameter).front(); }
  /// False where the current one is plain: there is no other.
  bool next(const std::string& parameter) {
    auto& wishes = wishes_.at(parameter);
    if (wishes.front() == nullptr) return false;
    wishes.erase(wishes.begin());
    return true;
  }
  const std::map<std::string, std::vector<const Layout*>>& all() const { return wishes_; }

 private:
  std::map<std::string, std::vector<const Layout*>> wishes_;
};

/// Claims front to back. Optimistic: starts from the layouts that are wished for, and starts again with the
/// next wish where somebody must read the insides of a parameter and cannot, or where a kernel that was
/// claimed cannot be made.
class Claims {
 public:
  Claims(const Context& context, Store& store, std::vector<Program> programs) : context_(context) {
    for (Program& program : programs) {
      wishes_.add(context, store, program);
      auto prepared = std::make_shared<PreparedProgram>();
      prepared->program = std::move(program);
      prepared_.push_back(std::move(prepared));
    }
    while (!attempt()) {
    }
    for (const auto& [name, wishes] : wishes_.all()) {
      for (const auto& prepared : prepared_)
        if (const BufferId id = prepared->program.find(name); id != no_buffer)
          store.declare(prepared->program[id]);
      store.set_layout(name, wishes.front());
    }
    warn();
  }

  const std::vector<std::shared_ptr<PreparedProgram>>& prepared() const { return prepared_; }

 private:
  bool attempt() {
    for (size_t n = 0; n < prepared_.size(); n++)
      if (!attempt(n)) return false;
    return true;
  }

  bool attempt(size_t n) {
    PreparedProgram& prepared = *prepared_[n];
    Program& program = prepared.program;
    prepared.rows.clear();
    prepared.kernels.clear();
    for (size_t id = 0; id < program.buffers().size(); id++)
      if (program.buffers()[id].role == Role::parameter)
        program.set_layout(BufferId(id), wishes_.current(program.buffers()[id].name));
    if (hidden_layout(program)) return false;

    const size_t end = program.operations().size();
    for (size_t first = 0; first < end;) {
      const Run rest(program, first, end);
      const Backend* owner = nullptr;
      Claim claim;
      for (const auto& backend : context_.backends()) {
        if (refused_.contains({n, first, backend.get()})) continue;
        claim = sound_claim(*backend, rest);
        if (claim.count > 0) {
          owner = backend.get();
          break;
        }
      }
      if (!owner) {
        if (retreat(program, first, first + 1)) return false;
        throw BackendError(to_string(rest[0].spec) + ": no backend of this context has it");
      }
      if (claim.count > rest.size())
        throw BackendError(owner->name() + ": claims " + std::to_string(claim.count) + " operations of " +
                           std::to_string(rest.size()));
      auto kernel = claim.make();
      if (!kernel) {
        refused_.insert({n, first, owner});
        return false;
      }
      add_row(prepared, n, rest.prefix(claim.count), *owner, *kernel);
      prepared.kernels.push_back(std::move(kernel));
      first += claim.count;
    }
    return true;
  }

  /// What the backend claims, but for kernels in quarantine: rather fewer operations than one of these.
  Claim sound_claim(const Backend& backend, const Run& rest) const {
    Claim claim = backend.claim(rest);
    while (claim.count > 0 && claim.count <= rest.size() &&
           context_.quarantined(backend.name(), to_string(rest.prefix(claim.count))))
      claim = claim.count == 1 ? Claim{} : backend.claim(rest.prefix(claim.count - 1));
    return claim;
  }

  void add_row(PreparedProgram& prepared, size_t n, const Run& run, const Backend& owner,
               const Kernel& kernel) {
    const Backend& chosen = context_.chosen();
    Plan::Row row;
    row.first = run.first();
    row.last = run.first() + run.size();
    row.backend = owner.name();
    row.spec = to_string(run);
    row.label = run[0].label;
    row.description = kernel.describe();
    row.cost = cost(run);
    row.why = run.size() > 1 ? "fused " + std::to_string(run.size()) : "chosen";
    if (&owner != &chosen) {
      row.why = (refused_.contains({n, run.first(), &chosen})        ? "fallback: refused by "
                 : context_.quarantined(chosen.name(), row.spec) ? quarantine_fallback
                                                                     : "fallback: none in ") +
                chosen.name();
      if (context_.policies().fallback == Fallback::error)
        throw BackendError(row.spec + ": backend '" + chosen.name() +
                           (row.why.starts_with(quarantine_fallback) ? "' was found wrong in it" : "' does not have it") +
                           ", and PLEXUS_FALLBACK=error forbids '" + owner.name() +
                           "'");
    }
    Deviations deviations;
    for (size_t i = 0; i < run.size(); i++) deviations.add(owner.deviations().of(run[i].spec));
    row.deviations = deviations.describe();
    prepared.rows.push_back(std::move(row));
  }

  /// An operation that touches a packed buffer without its spec saying so would read garbage, and so would one whose spec says so of a
  /// buffer that is plain: plain, then.
  bool hidden_layout(const Program& program) {
    bool changed = false;
    for (size_t i = 0; i < program.operations().size(); i++) {
      const Operation& operation = program.operations()[i];
      for (size_t slot = 0; slot < operation.buffers.size(); slot++) {
        const BufferId id = operation.buffers[slot];
        if (id == no_buffer || operand(operation.spec, slot).layout == program[id].layout) continue;
        changed |= retreat(program, i, i + 1);
        break;
      }
    }
    return changed;
  }

  bool retreat(const Program& program, size_t first, size_t last) {
    bool changed = false;
    for (size_t i = first; i < last; i++)
      for (const BufferId id : program.operations()[i].buffers)
        if (const BufferId parameter = laid_out_as(program, id); parameter != no_buffer && program[id].layout)
          changed |= wishes_.next(program[parameter].name);
    return changed;
  }

  void warn() const {
    if (context_.policies().fallback != Fallback::warn) return;
    size_t count = 0;
    const Plan::Row* first = nullptr;
    for (const auto& prepared : prepared_)
      for (const Plan::Row& row : prepared->rows)
        if (row.backend != context_.chosen().name() && !row.why.starts_with(quarantine_fallback) && count++ == 0)
          first = &row;
    if (first)
      context_.log(LogLevel::warning, "backend '" + context_.chosen().name() + "' lacks " + first->spec +
                                          (count > 1 ? " and " + std::to_string(count - 1) + " more" : "") +
                                          ": '" + first->backend +
                                          "' runs it (PLEXUS_FALLBACK=allow silences this)");
  }

  const Context& context_;
  Wishes wishes_;
  std::vector<std::shared_ptr<PreparedProgram>> prepared_;
  std::set<std::tuple<size_t, size_t, const Backend*>> refused_;  // (program, operation, who)
};

/// Remakes the copies derived from a parameter, after somebody wrote its flat part who does not know of them.
class Refresh final : public Kernel {
 public:
  explicit Refresh(const Buffer& buffer)
      : layout_(buffer.layout), shape_(matrix_shape(buffer.shape)), dtype_(buffer.dtype) {}
  void run(void* const* buffers, const Call&) const override { layout_->refresh(buffers[0], shape_, dtype_); }
  std::string describe() const override { return layout_->name(); }

 private:
  const Layout* layout_;
  Shape shape_;
  DType dtype_;
};

void add_refreshes(PreparedProgram& prepared, const Backend& chosen) {
  const Program& program = prepared.program;
  for (size_t r = 0; r < prepared.rows.size(); r++) {
    const Plan::Row row = prepared.rows[r];
    if (row.backend == chosen.name()) continue;
    std::set<BufferId> written;
    for (size_t i = row.first; i < row.last; i++)
      for (size_t slot = 0; slot < program.operations()[i].buffers.size(); slot++)
        if (const BufferId id = program.operations()[i].buffers[slot];
            id != no_buffer && program[id].role == Role::parameter && writes(program.operations()[i], slot))
          written.insert(id);
    for (const BufferId id : written) {
      const Buffer& buffer = program[id];
      if (!buffer.layout ||
          flat_elements(buffer.layout, buffer.shape) == stored_elements(buffer.layout, buffer.shape))
        continue;
      Plan::Row refresh;
      refresh.first = refresh.last = row.last;
      refresh.backend = chosen.name();
      refresh.spec = "refresh/" + buffer.layout->name();
      refresh.label = buffer.name;
      refresh.description = buffer.layout->name();
      refresh.why = "after an update by " + row.backend;
      refresh.refreshed = id;
      refresh.cost.bytes = refresh.cost.working_set = double(bytes_of(buffer));  // some are read, the others written
      r++;
      prepared.rows.insert(prepared.rows.begin() + std::ptrdiff_t(r), std::move(refresh));
      prepared.kernels.insert(prepared.kernels.begin() + std::ptrdiff_t(r),
                              std::make_unique<Refresh>(buffer));
    }
  }
}

void list_slots(PreparedProgram& prepared) {
  for (size_t r = 0; r < prepared.rows.size(); r++) {
    const Plan::Row& row = prepared.rows[r];
    prepared.steps.push_back({prepared.kernels[r].get(), prepared.slots.size()});
    if (row.refreshed != no_buffer) prepared.slots.push_back(row.refreshed);
    const Run run(prepared.program, row.first, row.last);
    for (size_t i = 0; i < run.size(); i++)
      for (const BufferId id : run[i].buffers)
        prepared.slots.push_back(run.size() > 1 && run.internal(id) ? no_buffer : id);
  }
}

/// A piece of the arena, and the rows during which it is in use.
struct Piece {
  size_t bytes, first, last, offset;
  BufferId buffer;
};

/// Largest first, each at the lowest place that is free while it lives.
size_t place(std::vector<Piece>& pieces) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.bytes > b.bytes; });
  size_t end = 0;
  for (size_t i = 0; i < pieces.size(); i++) {
    Piece& piece = pieces[i];
    std::vector<const Piece*> others;
    for (size_t j = 0; j < i; j++)
      if (pieces[j].first <= piece.last && piece.first <= pieces[j].last) others.push_back(&pieces[j]);
    std::sort(others.begin(), others.end(),
              [](const Piece* a, const Piece* b) { return a->offset < b->offset; });
    piece.offset = 0;
    for (const Piece* other : others) {
      if (piece.offset + piece.bytes <= other->offset) break;
      piece.offset = std::max(piece.offset, other->offset + other->bytes);
    }
    end = std::max(end, piece.offset + piece.bytes);
  }
  return end;
}

void assign_memory(PreparedProgram& prepared) {
  const Program& program = prepared.program;
  prepared.offsets.assign(program.buffers().size(), 0);
  for (size_t id = 0; id < program.buffers().size(); id++) {
    const Buffer& buffer = program.buffers()[id];
    if (buffer.role != Role::input && buffer.role != Role::output) continue;
    prepared.offsets[id] = prepared.exchange_bytes;
    prepared.exchange_bytes += aligned(bytes_of(buffer));
  }

  std::map<BufferId, Piece> lives;
  size_t workspace = 0;
  for (size_t r = 0; r < prepared.steps.size(); r++) {
    workspace = std::max(workspace, prepared.steps[r].kernel->workspace());
    const size_t end =
        r + 1 < prepared.steps.size() ? prepared.steps[r + 1].first_slot : prepared.slots.size();
    for (size_t slot = prepared.steps[r].first_slot; slot < end; slot++) {
      const BufferId id = prepared.slots[slot];
      if (id == no_buffer || program[id].role != Role::temporary) continue;
      auto [life, fresh] = lives.try_emplace(id, Piece{aligned(bytes_of(program[id])), r, r, 0, id});
      life->second.last = r;
    }
  }
  std::vector<Piece> pieces;
  if (workspace > 0) pieces.push_back({aligned(workspace), 0, prepared.steps.size(), 0, no_buffer});
  for (const auto& [id, life] : lives) pieces.push_back(life);
  prepared.arena_bytes = place(pieces);
  for (const Piece& piece : pieces)
    (piece.buffer == no_buffer ? prepared.workspace_offset : prepared.offsets[size_t(piece.buffer)]) =
        piece.offset;
}

}  // namespace

std::vector<std::shared_ptr<const PreparedProgram>> prepare_programs(const Context& context, Store& store,
                                                                     std::vector<Program> programs) {
  const uint64_t quarantines = context.quarantines();
  const Claims claims(context, store, std::move(programs));
  for (const auto& prepared : claims.prepared()) {
    for (const Buffer& buffer : prepared->program.buffers()) {
      if (!buffer.persistent()) continue;
      store.declare(buffer);
      if (buffer.like != no_buffer) store.set_layout(buffer.name, buffer.layout);
    }
    add_refreshes(*prepared, context.chosen());
    list_slots(*prepared);
    assign_memory(*prepared);
  }
  store.move_together();
  for (const auto& prepared : claims.prepared()) {
    prepared->store_version = store.version();
    prepared->quarantines = quarantines;
    for (const Plan::Row& row : prepared->rows)
      context.log(LogLevel::kernel, row.spec + ": " + row.backend + ", " + row.description + ", " + row.why);
  }
  return {claims.prepared().begin(), claims.prepared().end()};
}

}  // namespace plexus
