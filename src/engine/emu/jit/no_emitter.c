/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts whose architecture has no emitter: nothing is ever translated. */
#include <errno.h>
#include <stdlib.h>

#include "engine/emu/jit/emitter.h"

bool emitter_create(struct emitter *e, size_t size, bool alone)
{
	(void)e;
	(void)size;
	(void)alone;
	errno = ENOSYS;
	return false;
}

bool emitter_exists(void)
{
	return false;
}

bool emitter_serves_threads(void)
{
	return false;
}

void emitter_destroy(struct emitter *e)
{
	(void)e;
}

void emitter_use(struct emitter *e, const struct executable_memory *memory)
{
	(void)e;
	(void)memory;
}

void emitter_fill(struct emitter *e, size_t from, size_t limit)
{
	(void)e;
	(void)from;
	(void)limit;
}

uop_fn *emitter_enter(const struct emitter *e)
{
	(void)e;
	return NULL;
}

const uint8_t *emitter_translate(struct emitter *e, const struct uop *first)
{
	(void)e;
	(void)first;
	abort();
}

void emitter_drop(struct emitter *e, const uint8_t *code)
{
	(void)e;
	(void)code;
	abort();
}

void emitter_link(struct emitter *e, const struct block *from, unsigned link,
		  const struct block *to)
{
	(void)e;
	(void)from;
	(void)link;
	(void)to;
	abort();
}

void emitter_unlink(struct emitter *e, const struct block *from, unsigned link)
{
	(void)e;
	(void)from;
	(void)link;
	abort();
}

const uint8_t *emitter_linked(const struct emitter *e, const struct block *from, unsigned link)
{
	(void)e;
	(void)from;
	(void)link;
	abort();
}

bool emitter_executes(const struct uop *u, unsigned mode)
{
	(void)u;
	(void)mode;
	return false;
}

bool emitter_access(const struct cpu *cpu, const struct uop *u, struct emitter_access *access)
{
	(void)cpu;
	(void)u;
	(void)access;
	return false;
}
