/* Private to the library: what every header begins with. */
#pragma once
#include <dinimethods.h>
#include "dinicompat.h"

#define DINI_INTERN extern __attribute__((visibility("hidden")))

/* A state, or a field of it, that is smaller is zero but for rounding, and its size is 1 */
#define DINI_NOUGHT 1e-12
