/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's segment lookaside buffer. Its entries are architected state. What the soft TLB holds
 * comes from valid entries that are alone in translating their segment, so entries are changed
 * here only.
 */
#ifndef FWNMI_ENGINE_EMU_MMU_SEGMENTS_H
#define FWNMI_ENGINE_EMU_MMU_SEGMENTS_H

#include "engine/emu/cpu.h"

static inline bool slb_matches(const struct engine_slb_entry *entry, uint64_t ea)
{
	return entry->esid & SLB_VALID && !((entry->esid ^ ea) >> slb_segment_bits(entry->vsid));
}

/** slb_find() - the first entry that translates @ea, or NULL. @several: it is not the only one. */
static inline const struct engine_slb_entry *slb_find(const struct engine_slb_entry *slb,
						      uint64_t ea, bool *several)
{
	const struct engine_slb_entry *found = NULL;

	*several = false;
	for (unsigned i = 0; i < SLB_ENTRIES; i++) {
		if (!slb_matches(&slb[i], ea))
			continue;
		if (found) {
			*several = true;
			return found;
		}
		found = &slb[i];
	}
	return found;
}

/**
 * slb_write() - write an entry, valid or not, over what is at @index
 *
 * returns: false, with nothing changed, if no processor has such an entry
 */
bool slb_write(struct cpu *cpu, unsigned index, uint64_t esid, uint64_t vsid);
/** slb_invalidate() - invalidate the entries that translate @ea. */
void slb_invalidate(struct cpu *cpu, uint64_t ea);
/** slb_invalidate_all() - from @first on; @class_1: only those with SLB_CLASS */
void slb_invalidate_all(struct cpu *cpu, unsigned first, bool class_1);

#endif
