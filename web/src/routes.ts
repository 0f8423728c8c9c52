// Every page: its address, its title, the module that shows it (loaded when first needed).
import type { Component } from "svelte";
import type { IconName } from "./ui/Icon.svelte";

/** Pages get the variable parts of their address. */
export type PageComponent = Component<{ params: Record<string, string> }>;

export interface PageRoute {
  pattern: string;
  title: string;
  load: () => Promise<{ default: PageComponent | Component<Record<string, never>> }>;
  /** Shown without the shell and without a session. */
  entrance?: boolean;
}

export const routes: readonly PageRoute[] = [
  { pattern: "/", title: "Overview", load: () => import("./pages/Overview.svelte") },
  { pattern: "/login", title: "Log in", load: () => import("./pages/Login.svelte"), entrance: true },
  { pattern: "/setup", title: "Set up", load: () => import("./pages/Setup.svelte"), entrance: true },
  { pattern: "/findings", title: "Findings", load: () => import("./pages/findings/Findings.svelte") },
  { pattern: "/findings/:id", title: "Finding", load: () => import("./pages/findings/Finding.svelte") },
  { pattern: "/assets", title: "Assets", load: () => import("./pages/Assets.svelte") },
  { pattern: "/assets/:id", title: "Asset", load: () => import("./pages/Asset.svelte") },
  { pattern: "/vulnerabilities", title: "Vulnerabilities", load: () => import("./pages/Vulnerabilities.svelte") },
  { pattern: "/vulnerabilities/:id", title: "Vulnerability", load: () => import("./pages/Vulnerability.svelte") },
  { pattern: "/packages", title: "Packages", load: () => import("./pages/packages/Packages.svelte") },
  { pattern: "/decisions", title: "Decisions", load: () => import("./pages/decisions/Decisions.svelte") },
  { pattern: "/decisions/:id", title: "Decision", load: () => import("./pages/decisions/Decision.svelte") },
  { pattern: "/imports", title: "Imports", load: () => import("./pages/Imports.svelte") },
  { pattern: "/imports/:id", title: "Import", load: () => import("./pages/Import.svelte") },
  { pattern: "/changes", title: "Changes", load: () => import("./pages/changes/Changes.svelte") },
  { pattern: "/settings", title: "Account", load: () => import("./pages/settings/Settings.svelte") },
  { pattern: "/settings/:tab", title: "Settings", load: () => import("./pages/settings/Settings.svelte") },
];

export interface NavItem {
  href: string;
  label: string;
  icon: IconName;
}

/** The rail, in order. Findings start with the open ones: those are what needs work. */
export const nav: readonly NavItem[] = [
  { href: "/", label: "Overview", icon: "overview" },
  { href: "/findings?is_open=true", label: "Findings", icon: "findings" },
  { href: "/assets", label: "Assets", icon: "assets" },
  { href: "/packages", label: "Packages", icon: "package" },
  { href: "/vulnerabilities", label: "Vulnerabilities", icon: "vulnerabilities" },
  { href: "/decisions", label: "Decisions", icon: "scales" },
  { href: "/imports", label: "Imports", icon: "imports" },
  { href: "/changes", label: "Changes", icon: "undo" },
  { href: "/settings", label: "Settings", icon: "settings" },
];
