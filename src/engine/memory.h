/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's real address space: RAM from 0 on, and what else answers, or does not. For everything
 * outside an engine's hot path this is the only access, and it is bounds-checked. Real address 0 is
 * base[0]. An accessor's name gives the byte order of multi-byte values, whatever the host's.
 */
#ifndef FWNMI_ENGINE_MEMORY_H
#define FWNMI_ENGINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct engine;

/* What a guest meets at a real address. */
enum memory_kind {
	MEMORY_RAM,
	MEMORY_POISONED, /* RAM whose use is a machine check; the host's own use is not */
	MEMORY_HOLE, /* nothing answers: a machine check */
};

/* Addresses of one kind, both ends included; the last hole ends at UINT64_MAX. */
struct memory_region {
	enum memory_kind kind;
	uint64_t first, last;
};

#define MEMORY_MAX_POISONED 16

/* The unit in which writes are kept track of. */
#define MEMORY_PAGE 4096u

/* The pages written since somebody began to ask, each once. */
struct dirty_pages {
	bool *is_dirty; /* by page number */
	uint32_t *list; /* room for all */
	size_t count;
	bool all; /* memory was cleared as a whole */
};

struct guest_memory {
	uint8_t *base;
	uint64_t size; /* of RAM, in bytes; a multiple of 64 KiB */
	/* Ascending, and none touches the next. memory_poison() and memory_heal() keep it so. */
	struct memory_region poisoned[MEMORY_MAX_POISONED];
	unsigned nr_poisoned;
	/* Whoever writes tells it by memory_mark(). NULL: nobody asks. */
	struct dirty_pages *dirty;
	/*
	 * Tells an engine that caches decoded guest code of writes made by others. NULL: nobody to
	 * tell.
	 */
	void (*written)(struct engine *engine, uint64_t real_address, uint64_t len);
	struct engine *engine;
};

/** memory_region() - the largest region around @ra */
struct memory_region memory_region(const struct guest_memory *m, uint64_t ra);

/**
 * memory_poison() - make RAM poisoned, whatever it was before
 *
 * returns: false, with nothing changed, if [ra, ra + len) is empty or not wholly RAM, or if there
 * would be more than MEMORY_MAX_POISONED regions
 */
bool memory_poison(struct guest_memory *m, uint64_t ra, uint64_t len);
/** memory_heal() - the reverse, with the same results */
bool memory_heal(struct guest_memory *m, uint64_t ra, uint64_t len);

/** memory_contains() - is [ra, ra + len) wholly RAM, poisoned or not? Never overflows. */
static inline bool memory_contains(const struct guest_memory *m, uint64_t ra, uint64_t len)
{
	return len <= m->size && ra <= m->size - len;
}

/** memory_mark() - [ra, ra + len), which is RAM, is written now */
static inline void memory_mark(struct guest_memory *m, uint64_t ra, uint64_t len)
{
	struct dirty_pages *dirty = m->dirty;

	if (!dirty || !len)
		return;
	for (uint64_t page = ra / MEMORY_PAGE; page <= (ra + len - 1) / MEMORY_PAGE; page++) {
		if (dirty->is_dirty[page])
			continue;
		dirty->is_dirty[page] = true;
		dirty->list[dirty->count++] = (uint32_t)page;
	}
}

/** memory_read() - copy guest bytes out; false and nothing read when out of range. */
static inline bool memory_read(const struct guest_memory *m, uint64_t ra, void *buf, uint64_t len)
{
	if (!memory_contains(m, ra, len))
		return false;
	memcpy(buf, m->base + ra, len);
	return true;
}

/** memory_write() - copy bytes into the guest; false and nothing written when out of range. */
static inline bool memory_write(struct guest_memory *m, uint64_t ra, const void *buf, uint64_t len)
{
	if (!memory_contains(m, ra, len))
		return false;
	memcpy(m->base + ra, buf, len);
	memory_mark(m, ra, len);
	if (m->written)
		m->written(m->engine, ra, len);
	return true;
}

static inline uint32_t get_be32(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline uint64_t get_be64(const void *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32((const uint8_t *)p + 4);
}

static inline void put_be32(void *p, uint32_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

static inline void put_be64(void *p, uint64_t v)
{
	put_be32(p, (uint32_t)(v >> 32));
	put_be32((uint8_t *)p + 4, (uint32_t)v);
}

static inline bool memory_read_be32(const struct guest_memory *m, uint64_t ra, uint32_t *v)
{
	uint8_t b[4];

	if (!memory_read(m, ra, b, 4))
		return false;
	*v = get_be32(b);
	return true;
}

static inline bool memory_read_be64(const struct guest_memory *m, uint64_t ra, uint64_t *v)
{
	uint8_t b[8];

	if (!memory_read(m, ra, b, 8))
		return false;
	*v = get_be64(b);
	return true;
}

static inline bool memory_write_be32(struct guest_memory *m, uint64_t ra, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	return memory_write(m, ra, b, 4);
}

static inline bool memory_write_be64(struct guest_memory *m, uint64_t ra, uint64_t v)
{
	uint8_t b[8];

	put_be64(b, v);
	return memory_write(m, ra, b, 8);
}

#endif
