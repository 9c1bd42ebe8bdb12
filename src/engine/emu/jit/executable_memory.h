/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for translated code, mapped twice: at one address it can be written, at another executed,
 * and nowhere both. All of it is mapped at the beginning, so a process that is confined afterwards
 * can still fill it.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_EXECUTABLE_MEMORY_H
#define FWNMI_ENGINE_EMU_JIT_EXECUTABLE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct executable_memory {
	uint8_t *writable; /* NULL: none */
	const uint8_t *executable; /* the same bytes */
	size_t size;
};

/**
 * executable_memory_create() - map @size bytes. false: the host refuses, errno says why
 * @for_children: the processes that this one fork()s share it, and only one at a time may use it.
 * Otherwise they have no such memory.
 */
bool executable_memory_create(struct executable_memory *m, size_t size, bool for_children);
void executable_memory_destroy(struct executable_memory *m);

#endif
