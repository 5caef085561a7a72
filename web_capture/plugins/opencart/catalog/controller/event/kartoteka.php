<?php
namespace Opencart\Catalog\Controller\Extension\Kartoteka\Event;

defined('VERSION') || exit;

require_once DIR_EXTENSION . 'kartoteka/system/shop.php';

/** What the shop's events call. */
class Kartoteka extends \Opencart\System\Engine\Controller {
	/** The page's head. */
	public function header(string &$route, array &$data, mixed &$output): void {
		\kartoteka_guard($this->registry, function () use (&$output): void {
			\kartoteka_print($this->registry, $output);
		});
	}

	/** Something was put into the cart. */
	public function added(string &$route, array &$args, mixed &$output): void {
		\kartoteka_guard($this->registry, function (): void {
			\kartoteka_added($this->registry);
		});
	}

	/** An order was made. */
	public function ordered(string &$route, array &$args, mixed &$output): void {
		\kartoteka_guard($this->registry, function () use ($output): void {
			\kartoteka_ordered($this->registry, (int)$output);
		});
	}

	/** An order has another status. */
	public function history(string &$route, array &$args, mixed &$output): void {
		\kartoteka_guard($this->registry, function () use ($args): void {
			\kartoteka_history($this->registry, (int)($args[0] ?? 0), (int)($args[1] ?? 0));
		});
	}
}
