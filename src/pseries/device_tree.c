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
#include "pseries/private.h"

#define PHANDLE_XICP 1u
#define PHANDLE_VTY  2u

/* The tree being built. The first error sticks and is checked once, at the end. */
struct tree {
	void *buf;
	int error;
};

static void check(struct tree *t, int rc)
{
	if (!t->error)
		t->error = rc;
}

static void begin(struct tree *t, const char *name)
{
	check(t, fdt_begin_node(t->buf, name));
}

static void end(struct tree *t)
{
	check(t, fdt_end_node(t->buf));
}

static void bytes(struct tree *t, const char *name, const void *value, size_t len)
{
	check(t, fdt_property(t->buf, name, value, (int)len));
}

static void string(struct tree *t, const char *name, const char *value)
{
	check(t, fdt_property_string(t->buf, name, value));
}

static void empty(struct tree *t, const char *name)
{
	check(t, fdt_property(t->buf, name, NULL, 0));
}

static void u32(struct tree *t, const char *name, uint32_t value)
{
	check(t, fdt_property_u32(t->buf, name, value));
}

static void u64(struct tree *t, const char *name, uint64_t value)
{
	check(t, fdt_property_u64(t->buf, name, value));
}

static void u64_pair(struct tree *t, const char *name, uint64_t first, uint64_t second)
{
	uint8_t buf[16];

	put_be64(buf, first);
	put_be64(buf + 8, second);
	bytes(t, name, buf, sizeof(buf));
}

#define MAX_CELLS 16

static void cells(struct tree *t, const char *name, const uint32_t *value, unsigned count)
{
	uint8_t buf[4 * MAX_CELLS];

	for (unsigned i = 0; i < count; i++)
		put_be32(buf + 4 * i, value[i]);
	bytes(t, name, buf, 4ull * count);
}

#define CELLS(t, name, ...)                                                                       \
	do {                                                                                      \
		const uint32_t cells_[] = { __VA_ARGS__ };                                        \
		_Static_assert(ARRAY_SIZE(cells_) <= MAX_CELLS, "more cells than cells() takes"); \
		cells(t, name, cells_, ARRAY_SIZE(cells_));                                       \
	} while (0)

/* LoPAR table "Option Vector 5": byte 0 is the length of the vector proper, less one. */
static void architecture_vec_5(struct tree *t, bool radix)
{
	uint8_t vec[27] = { 0 };

	vec[0] = sizeof(vec) - 2;
	vec[2] = 0x80 | 0x40 | 0x10; /* logical partition, shared processors, large pages */
	vec[5] = 0x80; /* form 1 of associativity */
	vec[23] = 0x00; /* XICS only */
	vec[24] = radix ? 0x40 : 0x00; /* radix only, or hash only */
	vec[26] = radix ? 0x40 : 0x00; /* the guest invalidates translations itself (GTSE) */
	bytes(t, "ibm,architecture-vec-5", vec, sizeof(vec));
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
	bytes(t, "rng-seed", seed, sizeof(seed));
	return 0;
}

static int chosen(struct tree *t, const struct papr *papr)
{
	const struct papr_config *config = &papr->config;
	int rc;

	begin(t, "chosen");
	string(t, "bootargs", papr->bootargs);
	string(t, "stdout-path", "/vdevice/vty@71000000");
	string(t, "linux,stdout-path", "/vdevice/vty@71000000");
	u32(t, "stdout", PHANDLE_VTY);
	architecture_vec_5(t, papr->partition.radix);
	rc = rng_seed(t, papr);
	/* Tells firmware where its kernel was loaded, as QEMU tells SLOF. */
	if (config->bios_size && config->kernel_size) {
		u64_pair(t, "qemu,boot-kernel", config->kernel_base, config->kernel_size);
		if (config->kernel_little_endian)
			empty(t, "qemu,boot-kernel-le");
	}
	if (config->initrd_size) {
		u64(t, "linux,initrd-start", config->initrd_base);
		u64(t, "linux,initrd-end", config->initrd_base + config->initrd_size);
	}
	end(t);
	return rc;
}

static void rtas(struct tree *t, const struct papr *papr)
{
	char sets[512];
	size_t len = hcall_function_sets(papr, sets, sizeof(sets));
	const char *name;

	begin(t, "rtas");
	check(t, len ? 0 : -FDT_ERR_NOSPACE);
	bytes(t, "ibm,hypertas-functions", sets, len);
	for (uint32_t token = RTAS_TOKEN_BASE; (name = rtas_function(token)) != NULL; token++)
		u32(t, name, token);
	empty(t, "ibm,extended-os-term");
	u32(t, "rtas-version", 1);
	u32(t, "rtas-event-scan-rate", 1);
	u32(t, "rtas-error-log-max", RTAS_ERROR_LOG_MAX);
	u32(t, "rtas-size", papr->rtas_size);
	u32(t, "linux,rtas-base", (uint32_t)papr->rtas_base);
	u32(t, "linux,rtas-entry", (uint32_t)papr->rtas_base);
	CELLS(t, "ibm,associativity-reference-points", 4, 4, 2);
	CELLS(t, "ibm,max-associativity-domains", 5, 1, 1, 1, 1, papr->config.nr_vcpus);
	end(t);
}

static void pa_features(struct tree *t, const struct cpu_model *model, bool radix)
{
	uint8_t features[PA_FEATURES_SIZE];

	memcpy(features, model->pa_features, sizeof(features));
	if (!radix)
		features[PA_FEATURES_RADIX] &= (uint8_t)~PA_RADIX;
	bytes(t, "ibm,pa-features", features, sizeof(features));
}

/* 4 KiB pages in 256 MiB segments: any hypervisor has these, whatever its own page size. */
static void hash_translation(struct tree *t, const struct papr *papr)
{
	u32(t, "ibm,slb-size", 32);
	CELLS(t, "ibm,pft-size", 0, papr->partition.hash_table_order);
	/*
	 * Base page shift, its encoding in an SLB entry, number of page shifts; then each page
	 * shift with its encoding in the table.
	 */
	CELLS(t, "ibm,segment-page-sizes", 12, 0, 1, 12, 0);
}

static void cpu(struct tree *t, const struct papr *papr, unsigned number)
{
	const struct cpu_model *model = &cpu_model_power9;
	char name[32];

	snprintf(name, sizeof(name), "PowerPC,%s@%x", model->name, number);
	begin(t, name);
	string(t, "device_type", "cpu");
	string(t, "status", "okay");
	u32(t, "reg", number);
	u32(t, "cpu-version", model->logical_pvr); /* as if negotiated */
	empty(t, "64-bit");
	u32(t, "timebase-frequency", TIMEBASE_HZ);
	u32(t, "clock-frequency", TIMEBASE_HZ * INSNS_PER_TICK);
	u32(t, "d-cache-size", 0x8000);
	u32(t, "d-cache-block-size", 128);
	u32(t, "d-cache-line-size", 128);
	u32(t, "i-cache-size", 0x8000);
	u32(t, "i-cache-block-size", 128);
	u32(t, "i-cache-line-size", 128);
	u32(t, "ibm,vmx", 2); /* 2: with VSX */
	pa_features(t, model, papr->partition.radix);
	/* AP encoding in the top three bits, page shift: 4 KiB, 64 KiB, 2 MiB, 1 GiB. */
	if (papr->partition.radix)
		CELLS(t, "ibm,processor-radix-AP-encodings", 0x0000000c, 0xa0000010, 0x20000015,
		      0x4000001e);
	else
		hash_translation(t, papr);
	u32(t, "ibm,ppc-interrupt-server#s", number);
	CELLS(t, "ibm,ppc-interrupt-gserver#s", number, 0);
	CELLS(t, "ibm,associativity", 5, 0, 0, 0, 0, number);
	end(t);
}

static void cpus(struct tree *t, const struct papr *papr)
{
	begin(t, "cpus");
	u32(t, "#address-cells", 1);
	u32(t, "#size-cells", 0);
	for (unsigned i = 0; i < papr->config.nr_vcpus; i++)
		cpu(t, papr, i);
	end(t);
}

static void memory(struct tree *t, const struct papr *papr)
{
	uint64_t size = papr->memory->size;

	begin(t, "memory@0");
	string(t, "device_type", "memory");
	CELLS(t, "reg", 0, 0, (uint32_t)(size >> 32), (uint32_t)size);
	CELLS(t, "ibm,associativity", 4, 0, 0, 0, 0);
	end(t);
}

static void vdevice(struct tree *t)
{
	begin(t, "vdevice");
	string(t, "device_type", "vdevice");
	string(t, "compatible", "IBM,vdevice");
	u32(t, "#address-cells", 1);
	u32(t, "#size-cells", 0);
	begin(t, "vty@71000000");
	string(t, "device_type", "serial");
	string(t, "compatible", "hvterm1");
	u32(t, "reg", PAPR_VTY_UNIT);
	u32(t, "interrupt-parent", PHANDLE_XICP);
	CELLS(t, "interrupts", XICS_VTY, 0); /* 0: edge */
	u32(t, "phandle", PHANDLE_VTY);
	end(t);
	end(t);
}

static void nvram(struct tree *t)
{
	begin(t, "nvram");
	string(t, "device_type", "nvram");
	u32(t, "#bytes", NVRAM_SIZE);
	end(t);
}

static void interrupt_controller(struct tree *t, const struct papr *papr)
{
	begin(t, "interrupt-controller");
	string(t, "device_type", "PowerPC-External-Interrupt-Presentation");
	string(t, "compatible", "IBM,ppc-xicp");
	empty(t, "interrupt-controller");
	u32(t, "#interrupt-cells", 2);
	CELLS(t, "ibm,interrupt-server-ranges", 0, papr->config.nr_vcpus);
	u32(t, "phandle", PHANDLE_XICP);
	end(t);
}

static int root(struct tree *t, const struct papr *papr)
{
	static const char compatible[] = "fwnmi,pseries\0qemu,pseries";
	int rc;

	begin(t, "");
	string(t, "device_type", "chrp"); /* how Linux recognizes a PAPR partition */
	string(t, "model", "IBM pSeries (fwnmi)");
	/* Ours first. The other is for guests that look for QEMU's machine of this kind. */
	bytes(t, "compatible", compatible, sizeof(compatible));
	u32(t, "#address-cells", 2);
	u32(t, "#size-cells", 2);
	rc = chosen(t, papr);
	rtas(t, papr);
	cpus(t, papr);
	memory(t, papr);
	vdevice(t);
	nvram(t);
	interrupt_controller(t, papr);
	end(t);
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
	check(&t, fdt_create(t.buf, (int)size));
	check(&t, fdt_add_reservemap_entry(t.buf, papr->rtas_base, papr->rtas_size));
	if (config->initrd_size)
		check(&t,
		      fdt_add_reservemap_entry(t.buf, config->initrd_base, config->initrd_size));
	check(&t, fdt_finish_reservemap(t.buf));
	if (root(&t, papr)) {
		snprintf(err, err_size, "device tree: no random seed: %s", strerror(errno));
		free(t.buf);
		return false;
	}
	check(&t, fdt_finish(t.buf));
	if (t.error) {
		snprintf(err, err_size, "device tree: %s", fdt_strerror(t.error));
		free(t.buf);
		return false;
	}
	papr->fdt = t.buf;
	papr->fdt_size = fdt_totalsize(t.buf);
	return true;
}
