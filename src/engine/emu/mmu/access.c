/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data access by effective address: the soft TLB, or translation and an entry for the next access.
 * A page that holds decoded code gets no entry for writes: each store to it comes here and drops
 * the code that it overwrites.
 */
#include <string.h>

#include "engine/emu/code/lookup.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"

/* A first write to memory may cost the host a page of its own. */
static void touch(struct cpu *cpu, uint64_t ra)
{
	bool *touched = &cpu->engine->touched[ra >> TOUCH_BITS];

	if (*touched)
		return;
	*touched = true;
	cpu_work(cpu, WORK_TOUCH);
}

uint8_t *mmu_host(struct cpu *cpu, uint64_t ea, unsigned size, enum access access, uint64_t *ra)
{
	struct power_engine *e = cpu->engine;
	bool write = access == ACCESS_WRITE;
	struct translation translation;
	uint8_t *host;

	if (!mmu_translate_page(cpu, ea, access, &translation))
		return NULL;
	cpu_work(cpu, WORK_FILL);
	host = e->memory->base + translation.ra;
	if (ra)
		*ra = translation.ra;
	if (write) {
		touch(cpu, translation.ra);
		memory_mark(e->memory, translation.ra, size);
		if (code_at(&e->code, translation.ra)) {
			code_written(e, translation.ra, size);
			if (code_at(&e->code, translation.ra))
				return host; /* stores stay slow while the page holds code */
		}
	}
	tlb_fill(&cpu->arrays, mmu_mode(cpu, ACCESS_READ), ea, host, write,
		 translation.protection & PAGE_PRIVILEGED);
	return host;
}

static inline uint8_t *fast(struct cpu *cpu, uint64_t ea, unsigned size, bool write)
{
	const struct tlb_entry *entry = write ? &cpu->tlb->write[TLB_INDEX(ea)] :
						&cpu->tlb->read[TLB_INDEX(ea)];

	return likely(entry->tag == EPN(ea + size - 1)) ? (uint8_t *)(ea + entry->addend) : NULL;
}

/* Slow path: translate both pages before moving a byte, so a fault leaves nothing half done. */
static __attribute__((noinline)) bool copy(struct cpu *cpu, uint64_t ea, void *buf, unsigned size,
					   bool write)
{
	enum access access = write ? ACCESS_WRITE : ACCESS_READ;
	unsigned head = PAGE_BYTES - (unsigned)(ea & PAGE_MASK_LOW);
	uint8_t *first, *second = NULL;

	if (head > size)
		head = size;
	first = mmu_host(cpu, ea, head, access, NULL);
	if (!first)
		return false;
	if (head < size) {
		second =
			mmu_host(cpu, effective_address(cpu, ea + head), size - head, access, NULL);
		if (!second)
			return false;
	}
	if (write) {
		memcpy(first, buf, head);
		if (second)
			memcpy(second, (uint8_t *)buf + head, size - head);
	} else {
		memcpy(buf, first, head);
		if (second)
			memcpy((uint8_t *)buf + head, second, size - head);
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

#define ACCESSORS(bits, type, value, swap)                                                   \
	bool cpu_load##bits(struct cpu *cpu, uint64_t ea, value *v)                          \
	{                                                                                    \
		const uint8_t *p =                                                           \
			fast(cpu, ea = effective_address(cpu, ea), sizeof(type), false);     \
		type t;                                                                      \
                                                                                             \
		if (likely(p))                                                               \
			memcpy(&t, p, sizeof(t));                                            \
		else if (!copy(cpu, ea, &t, sizeof(t), false))                               \
			return false;                                                        \
		*v = SWAPPED(cpu) ? swap(t) : t;                                             \
		return true;                                                                 \
	}                                                                                    \
	bool cpu_store##bits(struct cpu *cpu, uint64_t ea, value v)                          \
	{                                                                                    \
		uint8_t *p = fast(cpu, ea = effective_address(cpu, ea), sizeof(type), true); \
		type t = SWAPPED(cpu) ? swap((type)v) : (type)v;                             \
                                                                                             \
		if (unlikely(!p))                                                            \
			return copy(cpu, ea, &t, sizeof(t), true);                           \
		memcpy(p, &t, sizeof(t));                                                    \
		return true;                                                                 \
	}

ACCESSORS(8, uint8_t, uint64_t, swap8)
ACCESSORS(16, uint16_t, uint64_t, __builtin_bswap16)
ACCESSORS(32, uint32_t, uint64_t, __builtin_bswap32)
ACCESSORS(64, uint64_t, uint64_t, __builtin_bswap64)
ACCESSORS(128, u128, u128, swap128)
