#include "plexus/layers/sequential.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <sstream>

#include "plexus/core/error.h"
#include "plexus/layers/column_scaling.h"

namespace plexus {
namespace {

void require_built(const Sequential& network, const char* what) {
  if (!network.built())
    throw ArgumentError(std::string(what) + ": the network is not built: call build with a row's shape");
}

}  // namespace

struct Sequential::State {
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<Shape> shapes;  // of a row before each layer, and at the end; empty: not built
  DType dtype = DType::f32;
  Store store;
  Schema schema;
};

Sequential::Sequential() : state_(std::make_unique<State>()) {}
Sequential::Sequential(Sequential&&) noexcept = default;
Sequential& Sequential::operator=(Sequential&&) noexcept = default;
Sequential::~Sequential() = default;

Sequential Sequential::clone() const {
  Sequential copy;
  for (const auto& layer : state_->layers) copy.add(layer->clone());
  copy.schema() = schema();
  if (!built()) return copy;
  copy.build(input_shape(), 0, dtype());
  std::vector<std::string> names;
  for (const auto& [name, entry] : copy.store().entries()) names.push_back(name);
  for (const std::string& name : names) copy.store().set(name, store().get(name));
  return copy;
}

void Sequential::add(std::unique_ptr<Layer> layer) {
  if (!layer) throw ArgumentError("network: null instead of a layer");
  if (built()) throw ArgumentError("network: built already: add " + layer->name() + " before");
  if (size() > 0) {
    const Layer& last = *state_->layers.back();
    if (layer->stage() < last.stage())
      throw ArgumentError(layer->name() + ": prepares the data: put it before " + last.name() +
                          ", at the front");
    if (layer->stage() == last.stage() && !layer->in_programs())
      throw ArgumentError(layer->name() + ": the network has one already");
  }
  state_->layers.push_back(std::move(layer));
}

size_t Sequential::size() const { return state_->layers.size(); }
Layer& Sequential::operator[](size_t i) { return *state_->layers.at(i); }
const Layer& Sequential::operator[](size_t i) const { return *state_->layers.at(i); }

size_t Sequential::number(size_t i) const {
  size_t count = 0;
  for (size_t j = 0; j < i; j++) count += (*this)[j].stage() == (*this)[i].stage();
  return count;
}

std::string Sequential::prefix(size_t i) const {
  const size_t n = number(i);
  switch ((*this)[i].stage()) {
    case Stage::encode:
      return "encode";
    case Stage::impute:
      return "impute";
    case Stage::scale:
      return n == 0 ? "input" : "input" + std::to_string(n + 1);
    case Stage::network:
      break;
  }
  return std::to_string(n);
}

void Sequential::build(const Shape& input, uint64_t seed, DType dtype) {
  if (built()) {
    if (input == input_shape()) return;
    throw ShapeError("build: the network takes rows of shape " + to_string(input_shape()) + " already, not " +
                     to_string(input) + ": make another");
  }
  if (size() == 0) throw ArgumentError("build: the network has no layers: add some");
  if (input.elements() == 0) throw ShapeError("build: rows of shape " + to_string(input) + " hold no values");
  if (dtype != DType::f32 && dtype != DType::f64)
    throw ArgumentError("build: a network computes in f32 or f64, not in " + std::string(to_string(dtype)));

  std::vector<Shape> shapes{input};
  Store store;
  for (size_t i = 0; i < size(); i++) {
    const Layer& layer = (*this)[i];
    const std::string name = prefix(i);
    try {
      shapes.push_back(layer.output_shape(shapes[i]));
    } catch (const ShapeError& error) {
      throw ShapeError(name + " " + error.what());
    }
    const auto declare = [&](Role role, const auto& entries) {
      for (const auto& [entry, shape] : entries)
        store.declare({.name = name + "." + entry, .role = role, .shape = shape, .dtype = dtype});
    };
    declare(Role::parameter, layer.parameters(shapes[i]));
    declare(Role::state, layer.states(shapes[i]));
    layer.initialize(store, name, shapes[i], seed, uint32_t(number(i)));
  }
  state_->store = std::move(store);
  state_->dtype = dtype;
  state_->shapes = std::move(shapes);
}

bool Sequential::built() const { return !state_->shapes.empty(); }

const Shape& Sequential::input_shape() const {
  require_built(*this, "input_shape");
  return state_->shapes.front();
}
const Shape& Sequential::output_shape() const {
  require_built(*this, "output_shape");
  return state_->shapes.back();
}
const Shape& Sequential::program_shape() const {
  require_built(*this, "program_shape");
  return state_->shapes[first_in_program()];
}
size_t Sequential::first_in_program(bool scaled) const {
  const auto before = [&](const Layer& layer) {
    return !layer.in_programs() || (scaled && dynamic_cast<const ColumnScaling*>(&layer));
  };
  size_t i = 0;
  while (i < size() && before((*this)[i])) i++;
  return i;
}
Schema& Sequential::schema() { return state_->schema; }
const Schema& Sequential::schema() const { return state_->schema; }
DType Sequential::dtype() const { return state_->dtype; }
Store& Sequential::store() { return state_->store; }
const Store& Sequential::store() const { return state_->store; }

int64_t Sequential::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, entry] : store().entries())
    if (entry.role == Role::parameter) count += entry.shape.elements();
  return count;
}

bool Sequential::has_preprocessing() const { return size() > 0 && (*this)[0].preprocessing(); }

void Sequential::fit_preprocessing(const Rows& rows) {
  require_built(*this, "fit_preprocessing");
  if (!(rows.shape == input_shape()))
    throw ShapeError("fit_preprocessing: rows of shape " + to_string(rows.shape) + ", the network takes " +
                     to_string(input_shape()));
  for (size_t i = 0; i < size() && (*this)[i].preprocessing(); i++) {
    Rows seen = rows;  // what the layers before make of them
    seen.shape = state_->shapes[i];
    seen.read = [&](int64_t row, std::span<double> out) {
      rows.read(
          row,
          out.first(size_t(rows.shape.elements())));  // layers in front may make rows longer, never shorter
      for (size_t before = 0; before < i; before++) (*this)[before].transform(store(), prefix(before), out);
    };
    (*this)[i].fit(store(), prefix(i), seen);
  }
}

void Sequential::require_fitted() const {
  require_built(*this, "require_fitted");
  for (size_t i = 0; i < size() && (*this)[i].preprocessing(); i++)
    if (!(*this)[i].fitted(store(), prefix(i)))
      throw ArgumentError(prefix(i) + " " + (*this)[i].name() +
                          ": not fitted to any data yet: fit the network, or load one that was");
}

std::string Sequential::summary() const {
  std::vector<std::array<std::string, 4>> lines{{"", "layer", "output", "parameters"}};
  int64_t frozen = 0;
  for (size_t i = 0; i < size(); i++) {
    const Layer& layer = (*this)[i];
    int64_t count = 0;
    if (built())
      for (const auto& [name, shape] : layer.parameters(state_->shapes[i])) count += shape.elements();
    if (layer.frozen) frozen += count;
    lines.push_back({prefix(i), layer.name() + (layer.frozen ? " frozen" : ""),
                     built() ? to_string(state_->shapes[i + 1]) : "?",
                     built() ? std::to_string(count) : "?"});
  }
  std::array<size_t, 4> width{};
  for (const auto& line : lines)
    for (size_t c = 0; c < line.size(); c++) width[c] = std::max(width[c], line[c].size());
  std::ostringstream out;
  for (const auto& line : lines) {
    out << std::left;
    for (size_t c = 0; c < 3; c++) out << std::setw(int(width[c]) + 2) << line[c];
    out << std::right << std::setw(int(width[3])) << line[3] << '\n';
  }
  if (!built())
    out << "not built: shapes follow from the data\n";
  else
    out << "total " << parameter_count() << " parameters"
        << (frozen > 0 ? ", " + std::to_string(frozen) + " of them frozen" : "") << '\n';
  return out.str();
}

}  // namespace plexus
