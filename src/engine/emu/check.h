/* SPDX-License-Identifier: BSD-2-Clause */
/* The check of the engine's caches. */
#ifndef FWNMI_ENGINE_EMU_CHECK_H
#define FWNMI_ENGINE_EMU_CHECK_H

struct power_engine;

/**
 * caches_check() - check the invariants of the engine's caches, stated at their structures
 *
 * For fuzzers, tests and, now and then, builds with sanitizers. No vCPU may be running.
 * returns: NULL, or what is wrong
 */
const char *caches_check(const struct power_engine *e);

#endif
