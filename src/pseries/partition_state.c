/* SPDX-License-Identifier: BSD-2-Clause */
/* The partition's state, to be saved and loaded. Its devices and libfwnmi describe their own. */
#include <stdio.h>

#include "isa/hpte.h"
#include "pseries/private.h"

#define NUMBER(member, max) RECORD_NUMBER(struct papr, member, max)
#define VCPUS(member, max)  RECORD_EACH_USED(struct papr, vcpu, member, max)

static const struct record_field fields[] = {
	NUMBER(rtas_base, UINT64_MAX),
	NUMBER(rtas_size, UINT32_MAX),
	NUMBER(fdt_base, UINT64_MAX),
	NUMBER(config.nr_vcpus, ENGINE_MAX_VCPUS),
	NUMBER(partition.interrupt_little_endian, true),
	NUMBER(partition.ail, 3),
	NUMBER(partition.radix, true),
	NUMBER(partition.gtse, true),
	NUMBER(partition.process_table, UINT64_MAX),
	NUMBER(partition.process_table_size, UINT64_MAX),
	NUMBER(partition.hash_table_order, HPT_LARGEST_ORDER),
	NUMBER(hash_table.half, 1),
	NUMBER(hash_table.pending, HPT_LARGEST_ORDER),
	NUMBER(offers_radix, true),
	NUMBER(offers_hash, true),
	NUMBER(offers_gtse, true),
	NUMBER(ended, true),
	NUMBER(errinjct.open, true),
	NUMBER(errinjct.token, INT32_MAX),
	NUMBER(fwnmi_end.happened, true),
	NUMBER(fwnmi_end.vcpu, ENGINE_MAX_VCPUS - 1),
	NUMBER(fwnmi_end.reason, FWNMI_END_STALE_HANDLER),
	NUMBER(fwnmi_end.log_length, FWNMI_ERRLOG_MAX),
	RECORD_ARRAY(struct papr, fwnmi_end.log, UINT8_MAX),
	NUMBER(by_trampoline, true),
	NUMBER(trampoline.little_endian, true),
	RECORD_ARRAY(struct papr, trampoline.size, TRAMPOLINE_MAX),
	RECORD_ARRAY(struct papr, trampoline.bytes[TRAMPOLINE_SYSTEM_RESET], UINT8_MAX),
	RECORD_ARRAY(struct papr, trampoline.bytes[TRAMPOLINE_MACHINE_CHECK], UINT8_MAX),
	NUMBER(trampolines_installed, true),
	NUMBER(trampolines_little_endian, true),
	RECORD_ARRAY(struct papr, guest_vectors[TRAMPOLINE_SYSTEM_RESET], UINT8_MAX),
	RECORD_ARRAY(struct papr, guest_vectors[TRAMPOLINE_MACHINE_CHECK], UINT8_MAX),
	VCPUS(reset_wanted, true),
	VCPUS(in_trampoline, true),
	VCPUS(raised.valid, true),
	VCPUS(raised.may_repair, true),
	VCPUS(raised.srr0, UINT64_MAX),
	VCPUS(raised.mc.error_type, UINT8_MAX),
	VCPUS(raised.mc.error_subtype, UINT8_MAX),
	VCPUS(raised.mc.severity, UINT8_MAX),
	VCPUS(raised.mc.disposition, UINT8_MAX),
	VCPUS(raised.mc.initiator, UINT8_MAX),
	VCPUS(raised.mc.unsafe_processor, true),
	VCPUS(raised.mc.transient, true),
	VCPUS(raised.mc.effective_address_valid, true),
	VCPUS(raised.mc.logical_address_valid, true),
	VCPUS(raised.mc.effective_address, UINT64_MAX),
	VCPUS(raised.mc.logical_address, UINT64_MAX),
	VCPUS(raised.mc.srr1, UINT64_MAX),
	VCPUS(raised.mc.dsisr, UINT32_MAX),
	VCPUS(raised.mc.dar_valid, true),
	VCPUS(raised.mc.dar, UINT64_MAX),
	VCPUS(vpa, UINT64_MAX),
	VCPUS(slb_shadow, UINT64_MAX),
	VCPUS(slb_shadow_entries, SLB_ENTRIES),
	VCPUS(dtl, UINT64_MAX),
	VCPUS(dtl_entries, UINT32_MAX),
	VCPUS(dtl_index, UINT64_MAX),
	VCPUS(dispatch_count, UINT32_MAX),
	VCPUS(ready_since, UINT64_MAX),
	VCPUS(waited, true),
};

/* Does what is loaded stay in the hypervisor's memory of the machine that there is? */
static bool hash_table_fits(const struct papr *a, const struct papr *b)
{
	const unsigned largest = hash_table_largest(b), pending = a->hash_table.pending;

	return a->partition.hash_table_order >= HPT_SMALLEST_ORDER &&
	       a->partition.hash_table_order <= largest &&
	       (!pending || (pending >= HPT_SMALLEST_ORDER && pending <= largest));
}

/* The layout depends on the configuration, so another one has another. */
static bool fits(const void *loaded, const void *present)
{
	const struct papr *a = loaded, *b = present;

	for (unsigned i = 0; i < b->config.nr_vcpus; i++)
		if (a->vcpu[i].dtl && !a->vcpu[i].dtl_entries)
			return false;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (a->trampoline.size[i] % 4)
			return false;
	return hash_table_fits(a, b) && a->offers_radix == b->offers_radix &&
	       a->offers_hash == b->offers_hash && a->offers_gtse == b->offers_gtse &&
	       a->rtas_base == b->rtas_base && a->rtas_size == b->rtas_size &&
	       a->fdt_base == b->fdt_base && a->config.nr_vcpus == b->config.nr_vcpus &&
	       a->by_trampoline == b->by_trampoline;
}

static unsigned nr_vcpus(const void *state)
{
	return ((const struct papr *)state)->config.nr_vcpus;
}

static const struct record_type record = {
	.name = "partition",
	.size = sizeof(struct papr),
	.fields = fields,
	.nr_fields = ARRAY_SIZE(fields),
	.fits = fits,
	.used = nr_vcpus,
};

unsigned papr_parts(struct papr *papr, struct record_part *parts)
{
	unsigned n = 0;

	_Static_assert(PAPR_MAX_PARTS > PAPR_NR_DEVICES, "a part for each device and one more");
	parts[n++] = (struct record_part){ &record, papr };
	for (unsigned i = 0; i < PAPR_NR_DEVICES; i++)
		parts[n++] = device_part(papr->devices[i]);
	return n;
}

void papr_loaded(struct papr *papr)
{
	hash_table_place(papr);
	papr_set_partition(papr);
	for (unsigned i = 0; i < PAPR_NR_DEVICES; i++)
		if (papr->devices[i]->type->loaded)
			papr->devices[i]->type->loaded(papr->devices[i]);
}

size_t papr_fwnmi_record_size(const struct papr *papr)
{
	return fwnmi_state_size(papr->fwnmi);
}

size_t papr_fwnmi_save(const struct papr *papr, void *buf, size_t size)
{
	int length = fwnmi_save(papr->fwnmi, buf, size);

	return length > 0 ? (size_t)length : 0;
}

bool papr_fwnmi_load(struct papr *papr, const void *record, size_t size, char *err, size_t err_size)
{
	int rc = fwnmi_load(papr->fwnmi, record, size);

	if (rc < 0)
		snprintf(err, err_size, "cannot load the state of FWNMI: %s", fwnmi_strerror(rc));
	return rc == 0;
}
