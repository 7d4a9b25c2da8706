#include "plexus/io/csv.h"

#include "fuzz/input.h"

// Both ways of missing fields; a table that loads has columns of one length.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace plexus;
  const std::string path = fuzz::file_of(data, size);
  for (const MissingFields missing : {MissingFields::refuse, MissingFields::keep})
    fuzz::run([&] {
      const Table table = load_csv(path, {.missing = missing});
      for (const Column& column : table.columns) {
        const size_t rows = std::visit([](const auto& values) { return values.size(); }, column.values);
        if (rows != size_t(table.rows()) || (missing == MissingFields::refuse && !column.missing.empty())) std::abort();
        for (const int64_t row : column.missing)
          if (row < 0 || row >= table.rows()) std::abort();
      }
    });
  return 0;
}
