// Work over a range by whoever is there: torch's thread pool in the torch build, std::thread behind the NumPy door.
#pragma once
#include <cstdint>
#include <functional>

namespace signcore {
// Calls body(begin, end) on parts of [begin, end) of at least `grain` items; parts may run at the same time.
using Parallel =
    std::function<void(int64_t begin, int64_t end, int64_t grain, const std::function<void(int64_t, int64_t)>& body)>;
}  // namespace signcore
