/* SPDX-License-Identifier: BSD-2-Clause */
/* The log codec: decodes, prints and encodes arbitrary bytes as a log. */
#include <fwnmi/errlog.h>

#include "fuzz.h"

static void check_print(const struct fwnmi_errlog *log, size_t size)
{
	char *text = exact("", 0), whole[65536];
	int length = fwnmi_errlog_print(log, text, 0);

	require(length > 0 && (size_t)length < sizeof(whole));
	require(fwnmi_errlog_print(log, whole, sizeof(whole)) == length);
	require(strlen(whole) == (size_t)length);
	free(text);
	text = malloc(size + 1);
	require(text && fwnmi_errlog_print(log, text, size + 1) == length);
	require(strncmp(text, whole, size) == 0);
	free(text);
}

static void check_fit(const uint8_t *data, int length, size_t size)
{
	uint8_t *buf = malloc(size ? size : 1);
	struct fwnmi_errlog fitted;
	int written;

	require(buf);
	written = fwnmi_errlog_fit(data, (size_t)length, buf, size);
	if (data[0] != FWNMI_ERRLOG_VERSION) {
		require(written == FWNMI_ERR_BADVERSION);
	} else if (size < 4) {
		require(written == FWNMI_ERR_NOSPACE);
	} else {
		require(written >= 4 && (size_t)written <= size && written <= length);
		require(buf[0] == 6 && buf[3] == data[3] && (buf[1] & ~4) == (data[1] & ~4));
		require(written == 4 || fwnmi_errlog_decode(&fitted, buf, size) == written);
		require(size < (size_t)length || memcmp(buf, data, (size_t)length) == 0);
	}
	free(buf);
}

static void check_open(void *opaque, const char *key, const char *title, unsigned number)
{
	unsigned *depth = opaque;

	require(strlen(key) > 0 && strlen(title) > 0 && number <= FWNMI_ERRLOG_MAX_SECTIONS);
	require(++*depth <= 3);
}

static void check_close(void *opaque)
{
	unsigned *depth = opaque;

	require((*depth)-- > 0);
}

/* All bytes that a field points to must be readable. */
static void check_field(void *opaque, const struct fwnmi_errlog_field *field)
{
	size_t size = field->length;
	void *copy;

	(void)opaque;
	if (field->kind == FWNMI_FIELD_WORDS)
		size *= sizeof(uint32_t);
	else if (field->kind == FWNMI_FIELD_NUMBERS)
		size *= sizeof(uint16_t);
	copy = exact(field->data, size);
	require(strlen(field->key) > 0 && strlen(field->label) < 20);
	free(copy);
}

static void check_visit(const struct fwnmi_errlog *log)
{
	static const struct fwnmi_errlog_visitor visitor = { check_open, check_close, check_field };
	unsigned depth = 0;

	fwnmi_errlog_visit(log, &visitor, &depth);
	require(depth == 0);
}

/* A log that can be encoded again must come out the same. */
static void check_encode(const struct fwnmi_errlog *log)
{
	uint8_t buf[FWNMI_ERRLOG_MAX], again[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog decoded;
	int length = fwnmi_errlog_encode(log, buf, sizeof(buf));

	if (length < 0) {
		require(length == FWNMI_ERR_INVALID);
		return;
	}
	require(fwnmi_errlog_decode(&decoded, buf, (size_t)length) == length);
	require(fwnmi_errlog_encode(&decoded, again, sizeof(again)) == length);
	require(memcmp(buf, again, (size_t)length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = exact(data, size);
	struct fwnmi_errlog log;
	int length = fwnmi_errlog_decode(&log, copy, size);

	require(length >= 0 ? (size_t)length <= size && length >= FWNMI_ERRLOG_FIXED_SIZE :
			      length >= FWNMI_ERR_BADSTRUCTURE && length <= FWNMI_ERR_TRUNCATED);
	check_print(&log, size % 512);
	check_visit(&log);
	if (length >= 0) {
		for (size_t room = 0; room < 8; room++)
			check_fit(copy, length, room);
		check_fit(copy, length, (size_t)length);
		check_fit(copy, length, (size_t)length - 1);
		check_fit(copy, length, (size_t)length / 2);
		check_fit(copy, length, (size_t)copy[1] * 8);
		check_encode(&log);
	}
	free(copy);
	return 0;
}
