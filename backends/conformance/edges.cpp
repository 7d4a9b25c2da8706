#include "plexus/backends/conformance/edges.h"

#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {

std::vector<Edge> edges() {
  List list;
  for (DType type : {DType::f32, DType::f64}) {
    matmul_edges(type, list);
    activation_edges(type, list);
    loss_edges(type, list);
    dropout_edges(type, list);
    reduce_edges(type, list);
    scale_edges(type, list);
    update_edges(type, list);
  }
  return list;
}

std::vector<Edge> edges(const std::string& family) {
  List list = edges();
  std::erase_if(list, [&](const Edge& edge) { return plexus::family(edge.spec) != family; });
  return list;
}

Result check(const Backend& backend, const Edge& edge) {
  const std::string name = edge.name + " (" + plexus::to_string(edge.spec) + ")";
  return check(backend, name, edge.spec, edge.rows, edge.inputs, edge.expected, edge.exact);
}

}  // namespace plexus::conformance
