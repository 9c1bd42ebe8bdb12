/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages of a large memory hold anything but zeros. Memory that nobody has touched is not
 * looked at, since that would touch it.
 */
#ifndef FWNMI_MACHINE_USED_PAGES_H
#define FWNMI_MACHINE_USED_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The host's account of this process's memory. */
struct page_map {
	int fd; /* -1: there is none; then all memory is looked at */
	pid_t pid; /* whose it is */
};

void page_map_open(struct page_map *map);
void page_map_close(struct page_map *map);
/**
 * page_map_each() - hand out each MEMORY_PAGE that is not all zeros, ascending
 * @map: after a fork() it is opened again
 * @base: at the start of a host's page
 * @size: a multiple of it
 * @each: gets the page's offset from @base; false ends the walk
 *
 * returns: false if @each did
 */
bool page_map_each(struct page_map *map, const uint8_t *base, uint64_t size,
		   bool (*each)(void *opaque, uint64_t offset), void *opaque);

#endif
