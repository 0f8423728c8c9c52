// The title of the page, for the tab and for screen readers. A page with a better name than its
// route's (a CVE, a host) sets it while it is shown.
class PageTitle {
  own = $state<string | undefined>();
}

export const pageTitle = new PageTitle();

/** Names the page while the component lives. */
export function usePageTitle(name: () => string | undefined): void {
  $effect(() => {
    pageTitle.own = name();
    return () => (pageTitle.own = undefined);
  });
}
