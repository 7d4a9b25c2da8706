// The message of the exception that a call throws.
#pragma once
#include <string>

namespace plexus {

/// What `call` throws as an E; "(nothing thrown)" where it does not. Other exceptions pass.
template <class E, class Call>
std::string message(const Call& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "(nothing thrown)";
}

}  // namespace plexus
