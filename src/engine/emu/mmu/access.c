/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data access by effective address: the soft TLB, or translation and an entry for the next access.
 * A page that holds decoded code gets no entry for writes: each store to it comes here and drops
 * the code that it overwrites. A page with poison in it gets no entry at all, nor does a device's,
 * one that is watched, or one whose caching is inhibited.
 */
#include <string.h>

#include "base/compare_and_swap.h"
#include "engine/emu/code/lookup.h"
#include "engine/emu/debug_registers.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "engine/emu/watchpoints.h"

/* A first write to memory may cost the host a page of its own. */
static void touch(struct cpu *cpu, uint64_t ra)
{
	bool *touched = &cpu->engine->touched[ra >> TOUCH_BITS];

	if (__atomic_load_n(touched, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(touched, true, __ATOMIC_RELAXED);
	cpu_work(cpu, WORK_TOUCH);
}

/* Where the bytes of an access are, all in one page: in RAM, or in a device's window. */
struct place {
	uint64_t ra;
	uint8_t *host; /* NULL: a window */
	const struct memory_window *window;
};

/* A store to RAM is coming. May the next ones to this page be fast? */
static bool prepare_store(struct cpu *cpu, uint64_t ra, unsigned size)
{
	struct power_engine *e = cpu->engine;

	touch(cpu, ra);
	memory_mark(e->memory, ra, size);
	if (!code_at(&e->code, ra))
		return true;
	code_written(e, ra, size);
	return !code_at(&e->code, ra);
}

/* Find what [ea, ea + size) reaches. False: an interrupt was raised. */
static bool find(struct cpu *cpu, uint64_t ea, unsigned size, enum access access,
		 struct place *place)
{
	const struct guest_memory *memory = cpu->engine->memory;
	bool write = access == ACCESS_WRITE, fast;
	struct translation translation;
	struct memory_region obstacle;

	if (!mmu_translate_page(cpu, ea, access, &translation))
		return false;
	cpu_work(cpu, WORK_FILL);
	*place = (struct place){ .ra = translation.ra };
	fast = !(translation.protection & PAGE_UNCACHED);
	if (unlikely(cpu->nr_watches)) {
		if (watchpoints_hit(cpu, ea, translation.ra, size, write))
			return false;
		fast = !watchpoints_on_page(cpu, ea, translation.ra);
	}
	if (unlikely(debug_watches_data(cpu))) {
		if (debug_watch_hit(cpu, ea, size, write))
			return false;
		fast &= !debug_watches_page(cpu, ea);
	}
	if (!memory_is_ram(memory, EPN(translation.ra), PAGE_BYTES)) {
		fast = false;
		obstacle = memory_obstacle(memory, translation.ra, size, write);
		place->window = obstacle.window;
		if (obstacle.kind == MEMORY_WINDOW)
			return !cpu_at_device(cpu);
		if (write && cpu_alone(cpu)) /* it may heal poison */
			return false;
		if (obstacle.kind != MEMORY_RAM)
			return mmu_refuse(cpu, ea, access, translation.ra, obstacle.kind);
	}
	place->host = memory->base + translation.ra;
	if (write)
		fast &= prepare_store(cpu, translation.ra, size);
	if (fast)
		tlb_fill(&cpu->arrays, mmu_mode(cpu, ACCESS_READ), ea, place->host, write,
			 translation.protection & PAGE_PRIVILEGED);
	return true;
}

uint8_t *mmu_host(struct cpu *cpu, uint64_t ea, unsigned size, enum access access, uint64_t *ra)
{
	struct place place;

	if (!find(cpu, ea, size, access, &place))
		return NULL;
	*ra = place.ra;
	if (place.window)
		mmu_refuse(cpu, ea, access, place.ra, MEMORY_HOLE);
	return place.host;
}

/*
 * Load from a device, or store to it. It may want an interrupt then, of this vCPU or another. run()
 * ends after the block for whoever chooses the next.
 */
static bool access_window(struct cpu *cpu, uint64_t ea, void *buf, unsigned size, bool write,
			  const struct place *place)
{
	const struct memory_window *window = place->window;
	uint64_t offset = place->ra - window->first;
	uint8_t value[8] = { 0 };

	if (!(window->sizes & size) || place->ra % size || place->ra < window->first ||
	    size - 1 > window->last - place->ra)
		return mmu_refuse(cpu, ea, write ? ACCESS_WRITE : ACCESS_READ, place->ra,
				  MEMORY_HOLE);
	if (write) {
		memcpy(value + 8 - size, buf, size);
		window->write(window->opaque, cpu->index, offset, size, get_be64(value));
	} else {
		put_be64(value, window->read(window->opaque, cpu->index, offset, size));
		memcpy(buf, value + 8 - size, size);
	}
	cpu->met_device = true;
	cpu_leave(cpu);
	return true;
}

/*
 * Beside others, poison is never overwritten, and the page may have got code since
 * prepare_store().
 */
void mmu_wrote(struct cpu *cpu, uint64_t ra, unsigned size)
{
	struct power_engine *e = cpu->engine;

	if (!e->beside) {
		memory_overwrite(e->memory, ra, size);
		return;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (code_at(&e->code, ra))
		code_written(e, ra, size);
}

/* An aligned number is moved as one, as other vCPUs may look. */
static void move(uint8_t *to, const uint8_t *from, unsigned size, const uint8_t *guest)
{
	uintptr_t alignment = (uintptr_t)guest & (size - 1);

	if (size == 8 && !alignment)
		__builtin_memcpy(to, from, 8);
	else if (size == 4 && !alignment)
		__builtin_memcpy(to, from, 4);
	else if (size == 2 && !alignment)
		__builtin_memcpy(to, from, 2);
	else if (size == 16 && !alignment)
		__builtin_memcpy(to, from, 16);
	else
		for (unsigned i = 0; i < size; i++)
			to[i] = from[i];
}

static void put(struct cpu *cpu, uint64_t ra, uint8_t *host, const void *buf, unsigned size)
{
	move(host, buf, size, host);
	mmu_wrote(cpu, ra, size);
}

/* Slow path: find both pages before moving a byte, so a fault leaves nothing half done. */
static __attribute__((noinline)) bool copy(struct cpu *cpu, uint64_t ea, void *buf, unsigned size,
					   bool write)
{
	enum access access = write ? ACCESS_WRITE : ACCESS_READ;
	unsigned head = PAGE_BYTES - (unsigned)(ea & PAGE_MASK_LOW);
	uint8_t *second = NULL;
	struct place first;
	uint64_t ra = 0;

	if (head > size)
		head = size;
	if (!find(cpu, ea, head, access, &first))
		return false;
	if (first.window)
		return access_window(cpu, ea, buf, size, write, &first);
	if (head < size) {
		second = mmu_host(cpu, effective_address(cpu, ea + head), size - head, access, &ra);
		if (!second)
			return false;
	}
	if (write) {
		put(cpu, first.ra, first.host, buf, head);
		if (second)
			put(cpu, ra, second, (uint8_t *)buf + head, size - head);
	} else {
		move(buf, first.host, head, first.host);
		if (second)
			move((uint8_t *)buf + head, second, size - head, second);
	}
	return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SWAPPED(cpu) (!((cpu)->mode & CODE_LE))
#else
#define SWAPPED(cpu) ((cpu)->mode & CODE_LE)
#endif

static inline uint8_t swap8(uint8_t v)
{
	return v;
}

static inline u128 swap128(u128 v)
{
	return (u128)__builtin_bswap64((uint64_t)v) << 64 | __builtin_bswap64((uint64_t)(v >> 64));
}

#define ACCESSORS(bits, type, value, swap)                                                        \
	bool cpu_load##bits(struct cpu *cpu, uint64_t ea, value *v)                               \
	{                                                                                         \
		const uint8_t *p =                                                                \
			tlb_host(cpu->tlb, ea = effective_address(cpu, ea), sizeof(type), false); \
		type t;                                                                           \
                                                                                                  \
		if (likely(p))                                                                    \
			memcpy(&t, p, sizeof(t));                                                 \
		else if (!copy(cpu, ea, &t, sizeof(t), false))                                    \
			return false;                                                             \
		*v = SWAPPED(cpu) ? swap(t) : t;                                                  \
		return true;                                                                      \
	}                                                                                         \
	bool cpu_store##bits(struct cpu *cpu, uint64_t ea, value v)                               \
	{                                                                                         \
		uint8_t *p =                                                                      \
			tlb_host(cpu->tlb, ea = effective_address(cpu, ea), sizeof(type), true);  \
		type t = SWAPPED(cpu) ? swap((type)v) : (type)v;                                  \
                                                                                                  \
		if (unlikely(!p))                                                                 \
			return copy(cpu, ea, &t, sizeof(t), true);                                \
		memcpy(p, &t, sizeof(t));                                                         \
		return true;                                                                      \
	}

ACCESSORS(8, uint8_t, uint64_t, swap8)
ACCESSORS(16, uint16_t, uint64_t, __builtin_bswap16)
ACCESSORS(32, uint32_t, uint64_t, __builtin_bswap32)
ACCESSORS(64, uint64_t, uint64_t, __builtin_bswap64)
ACCESSORS(128, u128, u128, swap128)

/* The host's address of an aligned access. *@slow: to be told to mmu_wrote() if it writes */
static uint8_t *host_of(struct cpu *cpu, uint64_t ea, unsigned size, bool write, uint64_t *ra,
			bool *slow)
{
	uint8_t *host;

	ea = effective_address(cpu, ea);
	host = tlb_host(cpu->tlb, ea, size, write);
	*slow = !host;
	return host ? host : mmu_host(cpu, ea, size, write ? ACCESS_WRITE : ACCESS_READ, ra);
}

bool cpu_compare_and_swap(struct cpu *cpu, uint64_t ea, unsigned size, u128 expected, u128 v,
			  bool *done)
{
	bool slow, swapped = SWAPPED(cpu);
	uint64_t ra = 0;
	uint8_t *host = host_of(cpu, ea, size, true, &ra, &slow);

	if (!host)
		return false;
	if (swapped) {
		expected = swap128(expected) >> (128 - 8 * size);
		v = swap128(v) >> (128 - 8 * size);
	}
	*done = compare_and_swap(host, size, expected, v);
	if (slow && *done)
		mmu_wrote(cpu, ra, size);
	return true;
}

bool cpu_load_quad(struct cpu *cpu, uint64_t ea, u128 *v)
{
	uint64_t ra;
	uint8_t *host;
	bool slow;

	if (!cpu->engine->threads)
		return cpu_load128(cpu, ea, v);
	host = host_of(cpu, ea, 16, false, &ra, &slow);
	if (!host)
		return false;
	*v = load_16(host);
	if (SWAPPED(cpu))
		*v = swap128(*v);
	return true;
}

bool cpu_store_quad(struct cpu *cpu, uint64_t ea, u128 v)
{
	uint64_t ra = 0;
	uint8_t *host;
	u128 old;
	bool slow;

	if (!cpu->engine->threads)
		return cpu_store128(cpu, ea, v);
	host = host_of(cpu, ea, 16, true, &ra, &slow);
	if (!host)
		return false;
	if (SWAPPED(cpu))
		v = swap128(v);
	do
		old = load_16(host);
	while (!compare_and_swap(host, 16, old, v));
	if (slow)
		mmu_wrote(cpu, ra, 16);
	return true;
}
