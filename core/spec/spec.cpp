#include "plexus/core/spec/spec.h"

#include "plexus/core/backend.h"
#include "plexus/core/spec/line.h"

namespace plexus {

spec::Line& spec::Line::layout(const Layout* layout) { return layout ? word(layout->name()) : *this; }

std::string to_string(const Spec& spec) {
  return std::visit([](const auto& s) { return s.to_string(); }, spec);
}

std::string family(const Spec& spec) {
  return std::visit([](const auto& s) -> std::string { return s.family; }, spec);
}

std::span<const Slot> slots(const Spec& spec) {
  return std::visit([](const auto& s) -> std::span<const Slot> { return s.slots; }, spec);
}

Operand operand(const Spec& spec, size_t slot) {
  return std::visit([slot](const auto& s) { return s.operand(slot); }, spec);
}

void validate(const Spec& spec) {
  std::visit([](const auto& s) { s.validate(); }, spec);
}

const Layout* layout(const Spec& spec) {
  return std::visit(
      [](const auto& s) -> const Layout* {
        if constexpr (requires { s.layout; })
          return s.layout;
        else
          return nullptr;
      },
      spec);
}

}  // namespace plexus

// Equal specs print equal lines, so that a hash of the line holds every field without naming one.
size_t std::hash<plexus::Spec>::operator()(const plexus::Spec& spec) const {
  return std::hash<std::string>()(to_string(spec));
}
