/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree. There is no Open Firmware behind it, so it states what a partition would
 * otherwise negotiate with ibm,client-architecture-support. LoPAR appendices "LoPAR Binding" and
 * "PA Processor Binding".
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "isa/model.h"
#include "isa/slb.h"
#include "pseries/private.h"

static void u64_pair(struct tree *t, const char *name, uint64_t first, uint64_t second)
{
	uint8_t buf[16];

	put_be64(buf, first);
	put_be64(buf + 8, second);
	tree_bytes(t, name, buf, sizeof(buf));
}

/* LoPAR table "Option Vector 5": byte 0 is the length of the vector proper, less one. */
static void architecture_vec_5(struct tree *t, const struct papr *papr)
{
	const bool radix = papr->offers_radix, hash = papr->offers_hash;
	uint8_t vec[27] = { 0 };

	vec[0] = sizeof(vec) - 2;
	vec[2] = 0x80 | 0x40 | 0x10; /* logical partition, shared processors, large pages */
	vec[5] = 0x80; /* form 1 of associativity */
	vec[6] = hash && papr_engine_can(papr, ENGINE_CAP_HASH_TABLE) ? 0x01 : 0x00; /* resizing */
	vec[23] = papr->has_xive ? 0x40 : 0x00; /* XIVE's exploitation mode only, or XICS only */
	vec[24] = radix && hash ? 0x80 : radix ? 0x40 : 0x00; /* either, radix or hash */
	vec[26] = papr->offers_gtse ? 0x40 : 0x00; /* the guest may execute tlbie */
	tree_bytes(t, "ibm,architecture-vec-5", vec, sizeof(vec));
}

/* Repeatable runs need repeatable random numbers in the guest, too. */
static int rng_seed(struct tree *t, const struct papr *papr)
{
	uint8_t seed[32];
	uint64_t x = 0x46574e4d49ull;

	if (papr->config.clock->mode == CLOCK_HOST) {
		if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
			return -1;
	} else {
		for (unsigned i = 0; i < sizeof(seed); i += 8) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			put_be64(seed + i, x);
		}
	}
	tree_bytes(t, "rng-seed", seed, sizeof(seed));
	return 0;
}

static int chosen(struct tree *t, const struct papr *papr)
{
	const struct papr_config *config = &papr->config;
	int rc;

	tree_begin(t, "chosen");
	tree_string(t, "bootargs", papr->bootargs);
	tree_string(t, "stdout-path", VTY_PATH);
	tree_string(t, "linux,stdout-path", VTY_PATH);
	tree_u32(t, "stdout", VTY_PHANDLE);
	architecture_vec_5(t, papr);
	rc = rng_seed(t, papr);
	/* Tells firmware where its kernel was loaded, as QEMU tells SLOF. */
	if (config->image.bios_size && config->image.kernel_size) {
		u64_pair(t, "qemu,boot-kernel", config->image.kernel_base,
			 config->image.kernel_size);
		if (config->image.kernel_little_endian)
			tree_empty(t, "qemu,boot-kernel-le");
	}
	if (config->image.initrd_size) {
		tree_u64(t, "linux,initrd-start", config->image.initrd_base);
		tree_u64(t, "linux,initrd-end",
			 config->image.initrd_base + config->image.initrd_size);
	}
	tree_end(t);
	return rc;
}

static void errinjct(struct tree *t, const struct papr *papr)
{
	char tokens[512];
	size_t len = errinjct_tokens(papr, tokens, sizeof(tokens));

	tree_check(t, len ? 0 : -FDT_ERR_NOSPACE);
	tree_bytes(t, "ibm,errinjct-tokens", tokens, len);
}

static void rtas(struct tree *t, const struct papr *papr)
{
	char sets[512];
	size_t len = hcall_function_sets(papr, sets, sizeof(sets));
	const char *name;

	tree_begin(t, "rtas");
	tree_check(t, len ? 0 : -FDT_ERR_NOSPACE);
	tree_bytes(t, "ibm,hypertas-functions", sets, len);
	for (uint32_t token = RTAS_TOKEN_BASE; (name = rtas_function(token)) != NULL; token++)
		if (rtas_offered(papr, token))
			tree_u32(t, name, token);
	if (errinjct_offered(papr))
		errinjct(t, papr);
	tree_empty(t, "ibm,extended-os-term");
	tree_u32(t, "rtas-version", 1);
	tree_u32(t, "rtas-event-scan-rate", 1);
	tree_u32(t, "rtas-error-log-max", RTAS_ERROR_LOG_MAX);
	tree_u32(t, "rtas-size", papr->rtas_size);
	tree_u32(t, "linux,rtas-base", (uint32_t)papr->rtas_base);
	tree_u32(t, "linux,rtas-entry", (uint32_t)papr->rtas_base);
	TREE_CELLS(t, "rtas-sensors", SENSOR_EPOW, 0); /* the largest index */
	TREE_CELLS(t, "ibm,associativity-reference-points", 4, 4, 2);
	TREE_CELLS(t, "ibm,max-associativity-domains", 5, 1, 1, 1, 1, papr->config.nr_vcpus);
	tree_end(t);
}

static void pa_features(struct tree *t, const struct cpu_model *model, const struct papr *papr)
{
	uint8_t features[PA_FEATURES_SIZE];

	memcpy(features, model->pa_features, sizeof(features));
	if (!papr->offers_radix)
		features[PA_FEATURES_RADIX] &= (uint8_t)~PA_RADIX;
	if (papr->offers_hash) {
		features[PA_FEATURES_SLB] |= PA_SLB;
		features[PA_FEATURES_HASH] |= PA_SLB_ZEROS | PA_PP_110;
	}
	tree_bytes(t, "ibm,pa-features", features, 2u + features[0]);
}

/*
 * For each segment: base page shift, its encoding in an SLB entry, number of page shifts; then each
 * page shift with its encoding in the table. The engine's table has all that isa/hpte.h has up to
 * HASH_LARGEST_PAGE. Of another's it is only known that pages of 4 KiB in segments of 256 MiB are
 * had by any hypervisor, whatever its own page size.
 */
static void hash_translation(struct tree *t, const struct papr *papr)
{
	tree_u32(t, "slb-size", SLB_ENTRIES);
	tree_u32(t, "ibm,slb-size", SLB_ENTRIES);
	TREE_CELLS(t, "ibm,pft-size", 0, papr->partition.hash_table_order);
	if (!papr_engine_can(papr, ENGINE_CAP_HASH_TABLE)) {
		TREE_CELLS(t, "ibm,segment-page-sizes", 12, 0, 1, 12, 0);
		return;
	}
	TREE_CELLS(t, "ibm,segment-page-sizes", 12, 0, 3, 12, 0, 16, 7, 24, 0x38, /**/
		   16, 0x110, 2, 16, 1, 24, 8, /**/
		   24, 0x100, 1, 24, 0);
	TREE_CELLS(t, "ibm,processor-page-sizes", 12, 16, 24);
	TREE_CELLS(t, "ibm,processor-storage-keys", 32, 32); /* for data, for instructions */
	TREE_CELLS(t, "ibm,processor-segment-sizes", SEGMENT_256M_BITS, SEGMENT_1T_BITS, UINT32_MAX,
		   UINT32_MAX);
}

/* Its threads, by their interrupt servers; and the global queue of each, which is nobody's. */
static void threads(struct tree *t, unsigned first, unsigned count)
{
	uint8_t servers[4 * PAPR_MAX_THREADS], global[8 * PAPR_MAX_THREADS];

	for (unsigned i = 0; i < count; i++) {
		put_be32(servers + 4 * i, first + i);
		put_be32(global + 8 * i, first + i);
		put_be32(global + 8 * i + 4, 0);
	}
	tree_bytes(t, "ibm,ppc-interrupt-server#s", servers, 4 * count);
	tree_bytes(t, "ibm,ppc-interrupt-gserver#s", global, 8 * count);
}

/* A core. @number: of its first thread */
static void cpu(struct tree *t, const struct papr *papr, unsigned number)
{
	const struct papr_topology *topology = &papr->config.options.topology;
	const unsigned per_socket = topology->threads * topology->cores;
	const struct cpu_model *model = cpu_model_or_default(papr->config.cpu);
	const struct cpu_model *compat = papr_compat(papr);
	char name[32];

	snprintf(name, sizeof(name), "PowerPC,%s@%x", model->name, number);
	tree_begin(t, name);
	tree_string(t, "device_type", "cpu");
	tree_string(t, "status", "okay");
	tree_u32(t, "reg", number);
	tree_u32(t, "cpu-version", compat->logical_pvr); /* as if negotiated */
	tree_empty(t, "64-bit");
	tree_u32(t, "timebase-frequency", TIMEBASE_HZ);
	tree_u32(t, "clock-frequency", TIMEBASE_HZ * INSNS_PER_TICK);
	tree_u32(t, "d-cache-size", 0x8000);
	tree_u32(t, "d-cache-block-size", 128);
	tree_u32(t, "d-cache-line-size", 128);
	tree_u32(t, "i-cache-size", 0x8000);
	tree_u32(t, "i-cache-block-size", 128);
	tree_u32(t, "i-cache-line-size", 128);
	tree_u32(t, "ibm,vmx", 2); /* 2: with VSX */
	tree_u32(t, "ibm,dfp", 1);
	tree_u32(t, "ibm,purr", 1);
	tree_u32(t, "ibm,spurr", 1);
	pa_features(t, compat, papr);
	/* AP encoding in the top three bits, page shift: 4 KiB, 64 KiB, 2 MiB, 1 GiB. */
	if (papr->offers_radix)
		TREE_CELLS(t, "ibm,processor-radix-AP-encodings", 0x0000000c, 0xa0000010,
			   0x20000015, 0x4000001e);
	if (papr->offers_hash)
		hash_translation(t, papr);
	threads(t, number, topology->threads);
	TREE_CELLS(t, "ibm,associativity", 5, 0, 0, 0, 0, number);
	if (per_socket < papr->config.nr_vcpus)
		tree_u32(t, "ibm,chip-id", number / per_socket);
	tree_end(t);
}

static void cpus(struct tree *t, const struct papr *papr)
{
	tree_begin(t, "cpus");
	tree_u32(t, "#address-cells", 1);
	tree_u32(t, "#size-cells", 0);
	for (unsigned i = 0; i < papr->config.nr_vcpus; i += papr->config.options.topology.threads)
		cpu(t, papr, i);
	tree_end(t);
}

static void memory_region_node(struct tree *t, uint64_t base, uint64_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)base);
	tree_begin(t, name);
	tree_string(t, "device_type", "memory");
	TREE_CELLS(t, "reg", (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32),
		   (uint32_t)size);
	TREE_CELLS(t, "ibm,associativity", 4, 0, 0, 0, 0);
	tree_end(t);
}

/* The first region is what real mode reaches. */
static void memory(struct tree *t, const struct papr *papr)
{
	const uint64_t first = papr_real_mode_size(papr), size = papr->memory->size;

	memory_region_node(t, 0, first);
	if (first < size)
		memory_region_node(t, first, size - first);
}

static void devices(struct tree *t, const struct papr *papr, enum device_bus bus)
{
	for (unsigned i = 0; i < PAPR_NR_DEVICES; i++) {
		const struct device *device = papr->devices[i];

		if (device->type->describe && device->type->bus == bus)
			device->type->describe(device, t);
	}
}

static void vdevice(struct tree *t, const struct papr *papr)
{
	tree_begin(t, "vdevice");
	tree_string(t, "device_type", "vdevice");
	tree_string(t, "compatible", "IBM,vdevice");
	tree_u32(t, "#address-cells", 1);
	tree_u32(t, "#size-cells", 0);
	devices(t, papr, DEVICE_VDEVICE);
	tree_end(t);
}

/* Events that come by interrupt. Those without one are event-scan's. */
static void event_sources(struct tree *t)
{
	tree_begin(t, "event-sources");
	tree_begin(t, "epow-events");
	tree_u32(t, "interrupt-parent", XICS_PHANDLE);
	TREE_CELLS(t, "interrupts", EPOW_INTERRUPT, 0); /* 0: edge */
	tree_end(t);
	tree_end(t);
}

static int root(struct tree *t, const struct papr *papr)
{
	static const char compatible[] = "fwnmi,pseries\0qemu,pseries";
	int rc;

	tree_begin(t, "");
	tree_string(t, "device_type", "chrp"); /* how Linux recognizes a PAPR partition */
	tree_string(t, "model", "IBM pSeries (fwnmi)");
	/* Ours first. The other is for guests that look for QEMU's machine of this kind. */
	tree_bytes(t, "compatible", compatible, sizeof(compatible));
	tree_u32(t, "#address-cells", 2);
	tree_u32(t, "#size-cells", 2);
	/* Interrupt priorities that are the hypervisor's: the first, how many. */
	if (papr->has_xive)
		TREE_CELLS(t, "ibm,plat-res-int-priorities", XIVE_NR_PRIORITIES, 0xf8);
	rc = chosen(t, papr);
	rtas(t, papr);
	cpus(t, papr);
	memory(t, papr);
	vdevice(t, papr);
	event_sources(t);
	devices(t, papr, DEVICE_ROOT);
	tree_end(t);
	return rc;
}

bool fdt_build(struct papr *papr, char *err, size_t err_size)
{
	const struct papr_config *config = &papr->config;
	size_t size = 0x4000 + 0x800 * (size_t)config->nr_vcpus + strlen(papr->bootargs);
	struct tree t = { .buf = calloc(1, size) };

	free(papr->fdt);
	papr->fdt = NULL;
	papr->fdt_size = 0;
	if (!t.buf) {
		snprintf(err, err_size, "device tree: out of memory");
		return false;
	}
	tree_check(&t, fdt_create(t.buf, (int)size));
	tree_check(&t, fdt_add_reservemap_entry(t.buf, papr->rtas_base, papr->rtas_size));
	if (config->image.initrd_size)
		tree_check(&t, fdt_add_reservemap_entry(t.buf, config->image.initrd_base,
							config->image.initrd_size));
	tree_check(&t, fdt_finish_reservemap(t.buf));
	if (root(&t, papr)) {
		snprintf(err, err_size, "device tree: no random seed: %s", strerror(errno));
		free(t.buf);
		return false;
	}
	tree_check(&t, fdt_finish(t.buf));
	if (t.error) {
		snprintf(err, err_size, "device tree: %s", fdt_strerror(t.error));
		free(t.buf);
		return false;
	}
	papr->fdt = t.buf;
	papr->fdt_size = fdt_totalsize(t.buf);
	return true;
}
