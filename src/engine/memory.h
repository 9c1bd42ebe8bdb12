/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's real address space: RAM from 0 on, and what else answers, or does not. Whoever asks
 * what is at a real address asks here. For everything outside an engine's hot path this is the only
 * access, and it is bounds-checked. Real address 0 is base[0]. An accessor's name gives the byte
 * order of multi-byte values, whatever the host's.
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
	MEMORY_POISONED, /* RAM whose use is an uncorrectable error, a machine check */
	MEMORY_WINDOW, /* a device */
	MEMORY_HOLE, /* nothing answers: a machine check */
};

/*
 * Registers of a device, for loads and stores of naturally aligned values. Any other access, and an
 * instruction fetch, finds nothing that answers.
 */
struct memory_window {
	uint64_t first, last; /* both ends included; above RAM, below MEMORY_LIMIT */
	unsigned sizes; /* of accesses, in bytes, or-ed: 1, 2, 4, 8 */
	/*
	 * @vcpu: whose access it is. @value: the bytes as one big-endian number. @offset: from
	 * first.
	 */
	uint64_t (*read)(void *opaque, unsigned vcpu, uint64_t offset, unsigned size);
	void (*write)(void *opaque, unsigned vcpu, uint64_t offset, unsigned size, uint64_t value);
	void *opaque;
};

/* Addresses of one kind, both ends included; the last hole ends at UINT64_MAX. */
struct memory_region {
	enum memory_kind kind;
	bool heal_on_write; /* MEMORY_POISONED */
	uint64_t first, last;
	const struct memory_window *window; /* MEMORY_WINDOW */
};

#define MEMORY_MAX_POISONED 16
#define MEMORY_MAX_WINDOWS  8
#define MEMORY_LINE	    128u /* a cache line's bytes */
#define MEMORY_LIMIT	    (1ull << 60)

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
	/*
	 * What follows RAM in @base is the hypervisor's: hash page tables. No real address reaches
	 * it, but it is saved and reset with RAM, and written to in the same way: memory_mark().
	 */
	uint64_t hypervisor_size; /* bytes, a multiple of MEMORY_PAGE */
	/*
	 * Ascending; none touches the next, unless they differ in heal_on_write. memory_poison()
	 * and memory_heal() keep it so.
	 */
	struct memory_region poisoned[MEMORY_MAX_POISONED];
	unsigned nr_poisoned;
	/* Whoever writes tells it by memory_mark(). NULL: nobody asks. */
	struct dirty_pages *dirty;
	const struct memory_window *windows[MEMORY_MAX_WINDOWS]; /* ascending */
	unsigned nr_windows;
	bool met_poison; /* memory_read() or memory_write() has; whoever cares clears it */
	/*
	 * Tells an engine that caches decoded guest code of writes made by others. NULL: nobody to
	 * tell.
	 */
	void (*written)(struct engine *engine, uint64_t real_address, uint64_t len);
	/* Tells an engine to forget what it caches of memory that is poisoned now. May be NULL. */
	void (*poison)(struct engine *engine, uint64_t real_address, uint64_t len);
	struct engine *engine;
};

/** memory_region() - the largest region around @ra */
struct memory_region memory_region(const struct guest_memory *m, uint64_t ra);
/**
 * memory_obstacle() - the first region that keeps [ra, ra + len) from being read, or written, as
 * RAM. Its kind is MEMORY_RAM if none does.
 *
 * Poison that heals on writing is no obstacle to a write that overwrites all of it in each cache
 * line that the write is in: memory_overwrite() is then due.
 */
struct memory_region memory_obstacle(const struct guest_memory *m, uint64_t ra, uint64_t len,
				     bool write);
/** memory_overwrite() - a write that no obstacle kept from [ra, ra + len) heals what it covers. */
void memory_overwrite(struct guest_memory *m, uint64_t ra, uint64_t len);

/**
 * memory_poison() - make RAM poisoned, whatever it was before
 * @heal_on_write: overwriting a whole cache line's poison heals it
 *
 * No vCPU may be inside run(), and the engine must have ENGINE_CAP_POISON.
 * returns: false, with nothing changed, if [ra, ra + len) is empty or not wholly RAM, or if there
 * would be more than MEMORY_MAX_POISONED regions
 */
bool memory_poison(struct guest_memory *m, uint64_t ra, uint64_t len, bool heal_on_write);
/** memory_heal() - the reverse, with the same results */
bool memory_heal(struct guest_memory *m, uint64_t ra, uint64_t len);
/**
 * memory_add_window() - have a device answer
 * @window: stays the caller's, and must stay
 *
 * The engine must have ENGINE_CAP_WINDOWS.
 * returns: false, with nothing changed, if it reaches into RAM or another window, or there are
 * MEMORY_MAX_WINDOWS
 */
bool memory_add_window(struct guest_memory *m, const struct memory_window *window);

/** memory_contains() - is [ra, ra + len) wholly RAM, poisoned or not? Never overflows. */
static inline bool memory_contains(const struct guest_memory *m, uint64_t ra, uint64_t len)
{
	return len <= m->size && ra <= m->size - len;
}

/** memory_extent() - how much there is at base: RAM, and what the hypervisor has behind it */
static inline uint64_t memory_extent(const struct guest_memory *m)
{
	return m->size + m->hypervisor_size;
}

/** memory_mark() - [ra, ra + len), which is RAM or the hypervisor's, is written now */
static inline void memory_mark(struct guest_memory *m, uint64_t ra, uint64_t len)
{
	struct dirty_pages *dirty = m->dirty;

	if (!dirty || !len)
		return;
	for (uint64_t page = ra / MEMORY_PAGE; page <= (ra + len - 1) / MEMORY_PAGE; page++)
		if (!__atomic_load_n(&dirty->is_dirty[page], __ATOMIC_RELAXED) &&
		    !__atomic_exchange_n(&dirty->is_dirty[page], true, __ATOMIC_RELAXED))
			dirty->list[__atomic_fetch_add(&dirty->count, 1, __ATOMIC_RELAXED)] =
				(uint32_t)page;
}

/** memory_is_ram() - is [ra, ra + len) wholly RAM, and none of it poisoned? */
static inline bool memory_is_ram(const struct guest_memory *m, uint64_t ra, uint64_t len)
{
	return memory_contains(m, ra, len) &&
	       (!m->nr_poisoned || memory_obstacle(m, ra, len, false).kind == MEMORY_RAM);
}

/** memory_peek() - look at RAM as a debugger does: no poison is met. False when out of range. */
static inline bool memory_peek(const struct guest_memory *m, uint64_t ra, void *buf, uint64_t len)
{
	if (!memory_contains(m, ra, len))
		return false;
	memcpy(buf, m->base + ra, len);
	return true;
}

/** memory_read() - copy guest bytes out; false and nothing read when out of range or poisoned. */
static inline bool memory_read(struct guest_memory *m, uint64_t ra, void *buf, uint64_t len)
{
	if (memory_is_ram(m, ra, len))
		return memory_peek(m, ra, buf, len);
	m->met_poison |= memory_contains(m, ra, len);
	return false;
}

/**
 * memory_write() - copy bytes into the guest; false and nothing written when out of range, or
 * poisoned and not healed by it.
 */
static inline bool memory_write(struct guest_memory *m, uint64_t ra, const void *buf, uint64_t len)
{
	if (!memory_contains(m, ra, len))
		return false;
	if (m->nr_poisoned && memory_obstacle(m, ra, len, true).kind != MEMORY_RAM) {
		m->met_poison = true;
		return false;
	}
	memory_overwrite(m, ra, len);
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

/**
 * memory_load_be64() - a doubleword of RAM, at once if it is aligned, since vCPUs may run at the
 * same time
 */
static inline uint64_t memory_load_be64(const struct guest_memory *m, uint64_t ra)
{
	uint64_t v;

	if (ra % sizeof(v))
		return get_be64(m->base + ra);
	v = __atomic_load_n((const uint64_t *)(const void *)(m->base + ra), __ATOMIC_RELAXED);
	return get_be64(&v);
}

/** memory_replace_be64() - put @v in the place of @old, aligned. False: something else is there. */
static inline bool memory_replace_be64(struct guest_memory *m, uint64_t ra, uint64_t old,
				       uint64_t v)
{
	uint64_t expected, desired;

	put_be64(&expected, old);
	put_be64(&desired, v);
	return __atomic_compare_exchange_n((uint64_t *)(void *)(m->base + ra), &expected, desired,
					   false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline bool memory_read_be32(struct guest_memory *m, uint64_t ra, uint32_t *v)
{
	uint8_t b[4];

	if (!memory_read(m, ra, b, 4))
		return false;
	*v = get_be32(b);
	return true;
}

static inline bool memory_read_be64(struct guest_memory *m, uint64_t ra, uint64_t *v)
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
