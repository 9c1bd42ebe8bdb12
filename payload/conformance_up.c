/* SPDX-License-Identifier: BSD-2-Clause */
/* conformance.c on a single CPU. */
#define UNIPROCESSOR
#include "conformance.c"
